//! Goal: what a load of a recording needed is the system's again when it is freed, whatever thread had it.
//! Method: threads take and free large blocks, one a little larger than the one before, as loads of longer recordings do, and many threads at once
//! blocks that no heap gives back as a whole; then the memory of this process.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::sync::{Arc, Barrier};

use appliance::compute::freed;

/// More than the tops of all heaps, and the threads' own stacks. Where tops of 8 MB are kept it is 40 MB, where nothing is given back 25 more.
const MOST_KB: usize = 12 * 1024;
/// Threads that have a heap each: fewer than the library has heaps on one core.
const THREADS: usize = 7;

/// Memory of this process alone, in kB.
fn memory_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel says");
    let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn what_loads_have_freed_is_not_kept_for_the_next() {
    freed::keep_no_large_blocks();
    let before = memory_kb();
    for megabytes in 1..=24_usize {
        let load = move || {
            let large = vec![1_u8; megabytes << 20];
            // What is small lies behind it and stays, as what was made of a recording does.
            let small = vec![1_u8; 1000];
            drop(std::hint::black_box(large));
            small
        };
        let small: Vec<Vec<u8>> =
            (0..3).map(|_| std::thread::spawn(load)).map(|it| it.join().expect("no panic")).collect();
        assert_eq!(small.iter().map(Vec::len).sum::<usize>(), 3000);
        std::mem::forget(small);
    }
    let together = Arc::new(Barrier::new(THREADS));
    let heaps: Vec<_> = (0..THREADS)
        .map(|_| {
            let together = Arc::clone(&together);
            std::thread::spawn(move || {
                let blocks: Vec<Vec<u8>> = (1..=3).map(|megabytes| vec![1; megabytes << 20]).collect();
                together.wait();
                drop(std::hint::black_box(blocks));
                together.wait();
            })
        })
        .collect();
    heaps.into_iter().for_each(|it| it.join().expect("no panic"));
    freed::give_back();
    let grown = memory_kb().saturating_sub(before);
    assert!(grown < MOST_KB, "{grown} kB are kept");
}
