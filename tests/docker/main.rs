//! docker, podman, skopeo, buildah, and their registries.

#[path = "../common/mod.rs"]
mod common;

mod docker;
mod docker_clients;
mod docker_outcomes;
mod unreached;
