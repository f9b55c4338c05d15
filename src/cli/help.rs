//! The examples that `--help` shows: what people copy first.

pub(super) const ROOT: &str = "\
Examples:
  planisphere demo                     see it work, no cluster needed
  planisphere serve                    mirror the current context of your kubeconfig
  planisphere get pods -n shop         then ask, from another terminal

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 answered, but incomplete or stale.
Settings: a flag wins over the environment, that over the file, that over the default.";

pub(super) const SERVE: &str = "\
Examples:
  planisphere serve
  planisphere serve --kubeconfig fleet.yaml --all-contexts --data-dir ./data
  planisphere serve --context prod-eu --context prod-us --listen 127.0.0.1:0
  planisphere serve --dump ./cluster-state --print-config

Prints `graphql http://…` and `admin http://…` on standard output once it listens.
The first SIGINT or SIGTERM stops it after the batch at hand, the second one at once.";

pub(super) const DEMO: &str = "\
Examples:
  planisphere demo
  planisphere demo --once --objects 5000 --clusters 3
  planisphere demo --changes-per-second 50 --listen 127.0.0.1:0

Nothing is left behind: the graph's file lives in a temporary directory.";

pub(super) const GET: &str = "\
Examples:
  planisphere get pods -n shop
  planisphere get deploy,svc -A -l app=cart -o wide
  planisphere get node worker-1 -o yaml
  planisphere get pods -o name | xargs planisphere get -o json
  planisphere get pods -n shop --as-of 2026-11-24T03:12:00Z

Exit code 3 and a warning on standard error: the answer is incomplete or stale.";

pub(super) const QUERY: &str = "\
Examples:
  planisphere query '{ sync { clusters { name reachable } } }'
  planisphere query -f stale.graphql --var namespace=shop --var first=10
  planisphere schema | less            what can be asked";

pub(super) const IMPACT: &str = "\
Examples:
  planisphere impact node/worker-1
  planisphere impact zone/eu-west-1a -o json
  planisphere impact shop/Secret/checkout-db
  planisphere impact node/worker-1 node/worker-2 --planned -o mermaid
  planisphere impact node/worker-1 --as-of 2h

Exit code 3 and a warning on standard error: the answer is incomplete or stale.";

pub(super) const WHY: &str = "\
Examples:
  planisphere why shop/Service/checkout
  planisphere why shop/Service/checkout --window 240 -o json
  planisphere why shop/Service/checkout -o mermaid";

pub(super) const DRAIN: &str = "\
Examples:
  planisphere drain-plan nodes worker-1 worker-2 worker-3
  planisphere drain-plan node/worker-1 -o json
  planisphere drain-plan nodes -o dot | dot -Tsvg > plan.svg

Exit code 1: a node cannot be taken down without breaking something; it is said what, and what helps.";

pub(super) const OWNERS: &str = "\
Examples:
  planisphere owners                   every owner, with a count of workloads and Services
  planisphere owners shop/Deployment/checkout
  planisphere owners pods cart-0 cart-1 -n shop -o json
  planisphere owners deploy -n shop -o mermaid";

pub(super) const EXPORT: &str = "\
Examples:
  planisphere export --to fleet.csv                  every asset, with its owner
  planisphere export pods,deploy -n shop --format ndjson --to shop.jsonl
  planisphere export pods --format cyclonedx --to images.cdx.json
  planisphere export all -n shop --format mermaid    to standard output, without a manifest
  planisphere export --to day.csv --as-of 24h
  planisphere export --to q4.csv --require-fresh     or fail, where a cluster is stale or a kind missing

Beside FILE it writes FILE.manifest.json and, where the server has a key, FILE.manifest.json.sig.
Exit code 3: written, but a part is stale or missing; the manifest says which.";

pub(super) const VERIFY: &str = "\
Examples:
  planisphere verify-export q4.csv --public-key planisphere.pub.pem
  planisphere verify-export copy.csv --manifest q4.csv.manifest.json --public-key planisphere.pub.pem
  openssl pkeyutl -verify -pubin -inkey planisphere.pub.pem -rawin -in q4.csv.manifest.json -sigfile q4.csv.manifest.json.sig

Exit code 1: something was changed or is missing. Exit code 3: whole, but stale when it was written, or not checked for a signature.";

pub(super) const HISTORY: &str = "\
Examples:
  planisphere history -n shop --from 2h
  planisphere history shop/Deployment/cart --from 3d --path 'containers.*.image'
  planisphere history --near shop/Service/cart --from 2026-11-24T03:00:00Z --to 2026-11-24T03:30:00Z
  planisphere history nodes --status -o json

Exit code 3 and a warning on standard error: the answer is incomplete or stale.";

pub(super) const DIFF: &str = "\
Examples:
  planisphere diff -n shop --from 1d
  planisphere diff deploy,svc --from 2026-11-24T03:00:00Z --to 2026-11-24T04:00:00Z
  planisphere diff shop/Deployment/cart --from 3d -o json";

pub(super) const SCHEMA: &str = "\
Examples:
  planisphere schema > planisphere.graphql
  planisphere schema | grep -A 30 '^type Pod'";

pub(super) const CHECK: &str = "\
Examples:
  planisphere check
  planisphere check --kubeconfig fleet.yaml --all-contexts
  planisphere check -o json

Exit code 1 if anything failed; warnings do not fail.";

pub(super) const COMPLETION: &str = "\
Examples:
  planisphere completion bash > /etc/bash_completion.d/planisphere
  planisphere completion zsh > \"${fpath[1]}/_planisphere\"
  planisphere completion fish > ~/.config/fish/completions/planisphere.fish";

pub(super) const VERSION: &str = "\
Examples:
  planisphere version
  planisphere version -o json";
