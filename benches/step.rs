//! The works of `spiritsafe bench` at every size, measured by criterion:
//!
//! ```sh
//! cargo bench --no-default-features --bench step -- cifar/forward
//! ```

use criterion::{Criterion, criterion_group, criterion_main};
use spiritsafe::benchmark::{Bench, SIZES, Work};

fn works(criterion: &mut Criterion) {
    for size in SIZES {
        let mut group = criterion.benchmark_group(size.name);
        group.sample_size(10);
        for work in Work::ALL {
            let mut bench = Bench::new(work, &size).expect("a size of the program");
            group.bench_function(work.name(), |bencher| bencher.iter(|| bench.run().expect("the same as before")));
        }
    }
}

criterion_group!(benches, works);
criterion_main!(benches);
