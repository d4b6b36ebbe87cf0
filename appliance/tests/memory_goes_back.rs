//! Goal: what a load of a recording needed is the system's again when it is freed, whatever thread had it.
//! Method: threads take and free large blocks, one a little larger than the one before, as loads of longer recordings do, and many threads at once
//! smaller ones, with something that stays behind each; then the memory of this process, without asking for what lies in the middle of a heap: of a
//! process whose memory is locked the kernel takes nothing there.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::sync::{Arc, Barrier};

use appliance::compute::freed;

/// More than what stays, the tops of all heaps, and the threads' own stacks. Where a heap has what is smaller than 8 MB it is 50 MB.
const MOST_KB: usize = 8 * 1024;
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
                let (blocks, behind): (Vec<Vec<u8>>, Vec<Vec<u8>>) =
                    (4..=32).map(|step| (vec![1; step * (16 << 10)], vec![1; 1000])).unzip();
                together.wait();
                drop(std::hint::black_box(blocks));
                behind
            })
        })
        .collect();
    std::mem::forget(heaps.into_iter().map(|it| it.join().expect("no panic")).collect::<Vec<_>>());
    let grown = memory_kb().saturating_sub(before);
    assert!(grown < MOST_KB, "{grown} kB are kept");
}
