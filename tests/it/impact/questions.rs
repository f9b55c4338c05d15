//! The questions around a failure, asked over GraphQL: in which order nodes may go, what stands on one leg, what broke this.

use super::scenarios::{app, world};
use super::world::{Behind, Claim, Endpoint, Made, Pin, Pod, Service};
use crate::graphql::app::text;
use serde_json::json;

#[tokio::test]
async fn a_drain_plan_keeps_every_service_at_its_need_or_says_who_is_in_the_way() {
    let mut world = world(Made::Deployment, "app:1", &[0, 1, 2]);
    let app_of = app(&world.objects()).await;
    let query = r#"{ drainPlan(select: {kind: {eq: "Node"}}) { possible complete waves { nodes { name } }
        obstacles { node { name } service { name } state reason advice } } }"#;
    let plan = app_of.ask(query).await["drainPlan"].clone();
    assert_eq!(plan["possible"], true);
    // Two of three are needed, so that n0, n1 and n2 go one by one; n3 has nothing of it.
    let waves = json!([{"nodes": [{"name": "n0"}, {"name": "n3"}]}, {"nodes": [{"name": "n1"}]}, {"nodes": [{"name": "n2"}]}]);
    assert_eq!(plan["waves"], waves);
    world.pods.truncate(1);
    world.services[0].behind = match world.services[0].behind.clone() {
        Behind::Endpoints(all) => Behind::Endpoints(vec![all[0]]),
        other => other,
    };
    let plan = app(&world.objects()).await.ask(query).await["drainPlan"].clone();
    assert_eq!(plan["possible"], false);
    let obstacle = &plan["obstacles"][0];
    assert_eq!(
        (&obstacle["node"]["name"], &obstacle["state"]),
        (&json!("n0"), &json!("DOWN"))
    );
    assert_eq!(obstacle["advice"], "run a second instance on another node first");
    assert_eq!(
        plan["waves"],
        json!([{"nodes": [{"name": "n1"}, {"name": "n2"}, {"name": "n3"}]}])
    );
}

#[tokio::test]
async fn standing_risks_are_told_before_anything_fails() {
    let query =
        "{ standingRisks { counts { kind count } nodes { service { name } kind on { kind name } } } }";
    for (on, kind, at) in [
        (&[0][..], "SINGLETON", "p0"),
        (&[1, 1][..], "NODE", "n1"),
        (&[0, 1][..], "ZONE", "n0"),
    ] {
        let mut world = world(Made::Deployment, "app:1", on);
        // Somebody else shows that there is another zone.
        world.services.push(Service {
            behind: Behind::Endpoints(vec![]),
            ..world.services[0].clone()
        });
        world.pods.push(Pod {
            node: Some(3),
            ..Pod::default()
        });
        let last = world.pods.len() - 1;
        let third = Endpoint {
            pod: last,
            ready: Some(true),
            serving: None,
            terminating: None,
            stale: false,
        };
        world.services[1].behind = Behind::Endpoints(vec![third]);
        let answer = app(&world.objects()).await.ask(query).await["standingRisks"].clone();
        let first = &answer["nodes"][0];
        assert_eq!(
            (&first["kind"], &first["on"]["name"]),
            (&json!(kind), &json!(at)),
            "{answer:#}"
        );
    }
    let mut shared = world(Made::Deployment, "app:1", &[0, 2]);
    shared.claims.push(Claim {
        namespace: 0,
        pin: Pin::Nowhere,
        bound: true,
    });
    for pod in &mut shared.pods {
        (pod.claim, pod.secret) = (Some(0), Some((0, false)));
    }
    let answer = app(&shared.objects()).await.ask(query).await["standingRisks"].clone();
    let counts = json!([{"kind": "VOLUME", "count": 1}, {"kind": "CONFIG", "count": 1}]);
    assert_eq!(answer["counts"], counts);
}

#[tokio::test]
async fn why_finds_the_nearest_thing_that_is_wrong_below_a_service() {
    let mut world = world(Made::Deployment, "app:1", &[0]);
    world.pods[0].secret = Some((0, false));
    let mut objects = world.objects();
    objects.retain(|o| o["kind"] != "Secret");
    for object in &mut objects {
        if object["kind"] == "Pod" {
            object["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
            object["status"]["containerStatuses"] =
                json!([{"name": "main", "state": {"waiting": {"reason": "CreateContainerConfigError"}}}]);
        }
    }
    let app = app(&objects).await;
    let query = r#"{ why(ref: {key: {cluster: "prod", kind: "Service", namespace: "ns0", name: "svc0"}}, windowMinutes: 5) {
        lookedAt truncated suspects { asset { kind name } distance trouble changedAt path { relation } } } }"#;
    let answer = app.ask(query).await["why"].clone();
    let troubles: Vec<String> = answer["suspects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| !s["trouble"].is_null())
        .map(|s| format!("{} {}", text(&s["asset"]["name"]), text(&s["trouble"])))
        .collect();
    assert!(
        troubles.contains(&"s0 ns0/Secret/s0 does not exist".to_owned()),
        "{answer:#}"
    );
    assert!(
        troubles.contains(&"p0 not ready: CreateContainerConfigError".to_owned()),
        "{answer:#}"
    );
}
