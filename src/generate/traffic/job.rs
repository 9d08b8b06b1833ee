//! Scheduled jobs: a job is made, its pod runs and ends.

use super::Scene;
use super::rollout::{NewPod, pod_started};
use crate::generate::body::{self, fill, seconds};
use crate::generate::call::{CRONJOBS, Call, JOBS, PODS};
use crate::generate::cluster::catalog::{JOBS as SCHEDULED, Spec};
use crate::generate::cluster::{MINUTE, Pod};

/// A cron job's time has come.
pub(super) fn ran(scene: &mut Scene) {
    let cluster = scene.cluster;
    let spec = scene.tape.dice.pick(SCHEDULED);
    let minute = scene.at.div_euclid(MINUTE);
    let name = format!("{}-{minute}", spec.name);
    let cron = cluster.controller("cronjob-controller");
    let jobs = cluster.controller("job-controller");
    let (uid, version) = (scene.uid(&JOBS, spec.namespace, &name), scene.version());
    let wanted = job(spec, &name, "", scene.at);
    let answer = job(spec, &name, &format!(r#""uid":"{uid}","resourceVersion":"{version}","#), scene.at);
    scene.call(cron, &Call::new("create", &JOBS).within(spec.namespace).named(&name).bodies(wanted, &*answer));
    scene.wait(4, 20);
    let parent = scene.uid(&CRONJOBS, spec.namespace, spec.name);
    let status = fill(
        r#"{"kind":"CronJob","apiVersion":"batch/v1","metadata":{"name":"<name>","namespace":"<ns>","uid":"<uid>"},"spec":{"schedule":"*/15 * * * *","concurrencyPolicy":"Forbid","suspend":false},"status":{"lastScheduleTime":"<now>"}}"#,
        &[("name", spec.name), ("ns", spec.namespace), ("uid", &parent.to_string()), ("now", &seconds(scene.at))],
    );
    let call = Call::new("update", &CRONJOBS).within(spec.namespace).named(spec.name).sub("status");
    scene.call(cron, &call.object(parent, version).body(&status));
    scene.wait(4, 40);

    let end = scene.tape.dice.suffix(5);
    let node = cluster.worker(&mut scene.tape.dice);
    let octet = scene.tape.dice.between(200, 250);
    let pod = Pod {
        spec,
        name: format!("{name}-{end}"),
        uid: scene.tape.dice.uuid(),
        ip: format!("10.244.{node}.{octet}"),
        node,
    };
    let token = scene.tape.dice.uuid();
    pod_started(
        scene,
        &NewPod { pod: &pod, owner: ("batch/v1", "Job", &name, uid), maker: jobs, generation: 1, token },
    );
    scene.wait(4_000, 60_000);
    let done = body::pod_status(spec.name, pod.uid, &pod.ip, &cluster.nodes[node].ip, scene.at, false);
    let call = Call::new("patch", &PODS).within(spec.namespace).named(&pod.name).sub("status");
    scene.call(&cluster.kubelets[node], &call.bodies(done.replace("Running", "Succeeded"), ""));
    scene.wait(5, 30);
    let call = Call::new("update", &JOBS).within(spec.namespace).named(&name).sub("status").object(uid, version);
    scene.call(jobs, &call.body(&answer));
    scene.tell(jobs, spec.namespace, &name);
    scene.wait(5, 30);
    // only the last few finished jobs are kept
    let old = format!("{}-{}", spec.name, minute - 45);
    let options = r#"{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/__internal","propagationPolicy":"Background"}"#;
    scene.call(cron, &Call::new("delete", &JOBS).within(spec.namespace).named(&old).bodies(options, ""));
}

fn job(spec: &Spec, name: &str, known: &str, at: i64) -> String {
    fill(
        r#"{"kind":"Job","apiVersion":"batch/v1","metadata":{"name":"<name>","namespace":"<ns>",<known>"creationTimestamp":"<now>","annotations":{"batch.kubernetes.io/cronjob-scheduled-timestamp":"<now>"},"ownerReferences":[{"apiVersion":"batch/v1","kind":"CronJob","name":"<cron>","controller":true,"blockOwnerDeletion":true}]},"spec":{"parallelism":1,"completions":1,"backoffLimit":2,"template":{"metadata":{"labels":{"batch.kubernetes.io/job-name":"<name>"}},"spec":<spec>},"completionMode":"NonIndexed","suspend":false},"status":{}}"#,
        &[
            ("name", name),
            ("ns", spec.namespace),
            ("known", known),
            ("now", &seconds(at)),
            ("cron", spec.name),
            ("spec", &body::template_spec(spec, 0)),
        ],
    )
}
