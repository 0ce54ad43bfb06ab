#!/bin/sh
# Makes the tables of the README anew, one text file each in OUT, with the version that made it and the command above it. Runs that are
# done are used again, so it can be stopped and started.
#
#     cargo build --release
#     benches/tables.sh OUT [TABLE...]          # all, or some of: first methods ddoq scores pemdd fewshot choosing pictures
#
# FASHION and CIFAR10 name the folders of Fashion-MNIST (IDX files, "fashion" in its name) and CIFAR-10 (binary version); tables that need
# one that is not named are left out.
set -eu
out=$1
shift
program=${PROGRAM:-target/release/spiritsafe}
mkdir -p "$out"

# A table's name, then the command, whose last words are --out and a folder.
table() {
    name=$1
    shift
    echo "== $name: spiritsafe $*" >&2
    {
        "$program" --version
        echo "spiritsafe $*"
        "$program" "$@"
    } > "$out/$name.part"
    mv "$out/$name.part" "$out/$name.txt"
}

first() {
    for ipc in 1 10; do
        table "first-$ipc" compare --presets digits,random --data digits --ipc $ipc --seeds 5 --steps 300 --protocol dm@300x5 \
            --out "$out/runs/first-$ipc"
    done
}

methods() {
    table methods-digits compare --presets digits,iid-digits,cmi-digits,idm-digits,idm-iid-digits,idm-cmi-digits,random \
        --data digits --seeds 5 --steps 1000 --protocol dm@300x3 --out "$out/runs/methods-digits"
    [ -n "${FASHION:-}" ] && table methods-fashion compare --presets dm-cpu,iid-cpu,cmi-cpu,idm-cpu,idm-iid-cpu,idm-cmi-cpu,random \
        --data "idx:$FASHION" --seeds 2 --protocol dm@300x3 --out "$out/runs/methods-fashion"
}

ddoq() {
    for ipc in 1 10 50; do
        table "ddoq-digits-$ipc" compare --presets ddoq-digits,d4m-digits,ddoq-medoid-digits,kmeans-digits,medoids,random \
            --data digits --ipc $ipc --seeds 5 --protocol dm@300x3 --out "$out/runs/ddoq-digits-$ipc"
        [ -n "${FASHION:-}" ] && table "ddoq-fashion-$ipc" compare --presets ddoq-cpu,d4m-cpu,ddoq-medoid-cpu,kmeans-cpu,medoids,random \
            --data "idx:$FASHION" --ipc $ipc --seeds 2 --protocol dm@300x3 --out "$out/runs/ddoq-fashion-$ipc"
    done
    # D4M at its released strength, time 0.81, and without guidance at either time.
    for setting in 0.81:8 0.81:1 0.1:1; do
        table "d4m-digits-$setting" compare --presets d4m-digits --data digits --seeds 5 --protocol dm@300x3 \
            --set "quantizer.time=${setting%:*}" --set "quantizer.guidance=${setting#*:}" --out "$out/runs/d4m-digits-$setting"
    done
}

# Soft labels beside hard ones, by the rules of the tables of DDOQ and D4M.
scores() {
    for protocol in fkd@300x3 fkd@300x3+hard; do
        table "fkd-digits-$protocol" compare --presets ddoq-digits,d4m-digits,digits,random --data digits --seeds 2 \
            --protocol "$protocol" --out "$out/runs/fkd-digits-$protocol"
    done
}

pemdd() {
    [ -d "$out/runs/pemdd-digits" ] || "$program" distill --preset pemdd-digits --ipc 5 --out "$out/runs/pemdd-digits"
    table pemdd-digits analyse "$out/runs/pemdd-digits" on_map
}

fewshot() {
    for shots in 1 5; do
        table "fewshot-digits-$shots" fewshot --preset pemdd-digits --ways 5 --shots $shots --episodes 40
        [ -n "${FASHION:-}" ] && table "fewshot-fashion-$shots" fewshot --preset pemdd-cpu --data "idx:$FASHION" --ways 5 --shots $shots
    done
}

choosing() {
    [ -n "${FASHION:-}" ] && table choosing-fashion compare --presets dm-cpu,random,medoids,feature_medoids,herding,k_center,forgetting \
        --data "idx:$FASHION" --seeds 5 --protocol dm@300x5 --out "$out/runs/choosing-fashion"
}

pictures() {
    [ -n "${FASHION:-}" ] && table pictures-fashion compare --presets iid-cpu,dm-cpu,random,medoids --data "idx:$FASHION" --seeds 2 \
        --protocol dm@300x3 --out "$out/runs/pictures-fashion"
    [ -n "${CIFAR10:-}" ] && table pictures-cifar10 compare --presets iid-cpu,dm-cpu,random,medoids --data "cifar10:$CIFAR10" --seeds 2 \
        --protocol dm@300x3 --out "$out/runs/pictures-cifar10"
}

for name in ${*:-first methods ddoq scores pemdd fewshot choosing pictures}; do
    "$name" || echo "$name: not whole; start it again, or name its data" >&2
done
