#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = spiritsafe::store::sets::parsers::soft_labels(bytes);
});
