//! What is made ready before the program is compiled: the catalogue's tables.

mod catalogue;

fn main() {
    println!("cargo::rerun-if-changed=build");
    catalogue::write_tables();
}
