//! What is made ready before the program is compiled: the catalogue's tables, and the linker's orders.

mod catalogue;
mod link;

fn main() {
    println!("cargo::rerun-if-changed=build");
    catalogue::write_tables();
    link::make_small();
}
