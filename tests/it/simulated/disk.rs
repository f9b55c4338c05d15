//! A disk that is full: what is stored is answered, nothing that is not stored is, and when there is room again the mirror
//! goes on by itself. In a mount namespace of the program's own, so that no other disk is filled.

use super::world::World;
use crate::program::{Program, command, until};
use crate::site::{count, sync};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Becomes the program, with a small file system at its data directory.
const ON_A_SMALL_DISK: &str = r#"mount -t tmpfs -o size=4m tmpfs "$1" && shift && exec "$@""#;

fn serve(world: &World) -> Program {
    let data = world.site.data();
    std::fs::create_dir_all(&data).unwrap();
    let mut mounted = std::process::Command::new("unshare");
    mounted
        .args(["--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"])
        .arg(&data)
        .arg(command().get_program())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent");
    let (kubeconfig, data) = (world.site.kubeconfig(), data.to_str().unwrap().to_owned());
    let mut args = vec![
        "serve",
        "--all-contexts",
        "--kubeconfig",
        kubeconfig.to_str().unwrap(),
    ];
    args.extend([
        "--data-dir",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    Program::launch(mounted, &args)
}

/// A file on the program's disk that takes all the room that is left.
fn fill(program: &Program, world: &World) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", program.id()));
    let path = root
        .join(world.site.data().strip_prefix("/").unwrap())
        .join("ballast");
    let mut file = std::fs::File::create(&path).unwrap();
    // In small pieces: the last of them finds the last free page.
    while file.write_all(&[0; 1024]).is_ok() {}
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_no_answer_and_the_mirror_goes_on_when_there_is_room() {
    let world = World::new(61, 1, 200).await;
    let program = serve(&world);
    world.is_mirrored(&program).await;
    let name = world.first().name().to_owned();
    let before = count(&program, &name, None).await;
    let ballast = fill(&program, &world);
    // Large enough that no room that a file has kept for itself is enough for it.
    for number in 0..600 {
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": format!("more-{number}"), "namespace": "default",
                "labels": { "filler": format!("x{}", "0123456789abcdef".repeat(3)) } } });
        world.first().apply(object).unwrap();
    }
    until("it says that it cannot store", || async {
        program.logged().contains("a batch could not be stored")
    })
    .await;
    let during = count(&program, &name, None).await;
    let changed = world.first().count("configmaps") as u64;
    assert!(
        during >= before && during < before + 600,
        "{before} before, {during} now"
    );
    let status = sync(&program, &name).await;
    assert_eq!(status["reachable"], true, "the cluster is well: {status}");
    std::fs::remove_file(ballast).unwrap();
    world.is_mirrored(&program).await;
    assert_eq!(count(&program, &name, Some("ConfigMap")).await, changed);
    assert!(program.stop().success());
}
