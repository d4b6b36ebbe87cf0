//! Asks the machine's own graphics card how it is: `cargo run -p appliance --example health`. For a machine with a card,
//! where the tests' stub proves only that the calls are made as the header has them.

use appliance::compute::health::Poller;

#[expect(clippy::print_stdout, reason = "this is the program's own voice, not a library's")]
fn main() {
    match Poller::new(None, 0).poll() {
        Some(gpu) => {
            let brake = gpu.brake.map_or("not slowed", |it| it.words());
            println!("load {} %, {} C, {brake}", gpu.load_percent, gpu.celsius);
        }
        None => println!("no card of NVIDIA's says anything here"),
    }
}
