"""Deployments, replica sets, stateful sets, daemon sets and jobs: from template to pods, and their status back."""

from __future__ import annotations

from functools import partial

from lab.toolchain.common.objects import Obj, clone, condition_true, dig, digest, labels, now, set_condition
from lab.toolchain.controllers.scheduler import fits
from lab.toolchain.controllers.world import World, owner_reference, pod_ready


def reconcile(world: World) -> None:
    for deployment in world.store.all("apps", "deployments"):
        if not deployment["metadata"].get("deletionTimestamp"):
            _deployment(world, deployment)
    for replicaset in world.store.all("apps", "replicasets"):
        if not replicaset["metadata"].get("deletionTimestamp"):
            _replicaset(world, replicaset)
    for statefulset in world.store.all("apps", "statefulsets"):
        if not statefulset["metadata"].get("deletionTimestamp"):
            _statefulset(world, statefulset)
    nodes = world.store.all("", "nodes")
    for daemonset in world.store.all("apps", "daemonsets"):
        if not daemonset["metadata"].get("deletionTimestamp"):
            _daemonset(world, daemonset, nodes)
    for job in world.store.all("batch", "jobs"):
        if not job["metadata"].get("deletionTimestamp"):
            _job(world, job)


def _pod(owner: Obj, name: str, extra: dict[str, str] | None = None) -> Obj:
    template = clone(owner["spec"]["template"])
    metadata = template.get("metadata") or {}
    return {
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**(metadata.get("labels") or {}), **(extra or {})},
            "annotations": metadata.get("annotations") or {},
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
    }


def _live(pods: list[Obj]) -> list[Obj]:
    return [
        p
        for p in pods
        if not p["metadata"].get("deletionTimestamp") and dig(p, "status", "phase") not in ("Succeeded", "Failed")
    ]


def _deployment(world: World, deployment: Obj) -> None:
    tag = digest(deployment["spec"]["template"])
    wanted = int(deployment["spec"]["replicas"])
    sets = world.children(deployment, "ReplicaSet")
    current = next((s for s in sets if labels(s).get("pod-template-hash") == tag), None)
    old = [s for s in sets if s is not current]
    if current is None:
        _new_replicaset(world, deployment, tag, wanted, len(sets))
        world.later(0.05)
        return
    if current["spec"]["replicas"] != wanted:
        world.store.modify(world.key("apps", "replicasets", current), lambda o: o["spec"].update(replicas=wanted))
    fresh_ready = dig(current, "status", "readyReplicas", default=0)
    for replicaset in old:
        keep = max(0, wanted - fresh_ready) and min(replicaset["spec"]["replicas"], wanted - fresh_ready)
        if replicaset["spec"]["replicas"] > keep:
            world.store.modify(world.key("apps", "replicasets", replicaset), partial(_set_replicas, keep))
    status = clone(deployment.get("status") or {})
    total = sum(dig(s, "status", "replicas", default=0) for s in sets)
    ready = sum(dig(s, "status", "readyReplicas", default=0) for s in sets)
    updated = dig(current, "status", "replicas", default=0)
    status.update(
        observedGeneration=deployment["metadata"]["generation"],
        replicas=total,
        readyReplicas=ready,
        availableReplicas=ready,
        updatedReplicas=updated,
        unavailableReplicas=max(0, wanted - ready),
    )
    holder: Obj = {"status": status}
    enough = ready >= max(wanted - wanted // 4, min(wanted, 1))
    set_condition(
        holder,
        "Available",
        "True" if enough else "False",
        "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    )
    done = fresh_ready >= wanted and total == updated
    name = current["metadata"]["name"]
    set_condition(
        holder,
        "Progressing",
        "True",
        "NewReplicaSetAvailable" if done else "ReplicaSetUpdated",
        f'ReplicaSet "{name}" {"has successfully progressed" if done else "is progressing"}.',
    )
    world.put_status("apps", "deployments", deployment, status)


def _new_replicaset(world: World, deployment: Obj, tag: str, replicas: int, earlier: int) -> None:
    selector = clone(deployment["spec"]["selector"])
    selector.setdefault("matchLabels", {})["pod-template-hash"] = tag
    template = clone(deployment["spec"]["template"])
    template.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = tag
    name = f"{deployment['metadata']['name']}-{tag}"
    created = world.create(
        "apps",
        "replicasets",
        {
            "metadata": {
                "name": name,
                "namespace": deployment["metadata"]["namespace"],
                "labels": {**template["metadata"]["labels"]},
                "annotations": {"deployment.kubernetes.io/revision": str(earlier + 1)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": replicas, "selector": selector, "template": template},
        },
    )
    if created is not None:
        world.event(
            deployment,
            "Normal",
            "ScalingReplicaSet",
            f"Scaled up replica set {name} to {replicas}",
            "deployment-controller",
        )


def _replicaset(world: World, replicaset: Obj) -> None:
    wanted = int(replicaset["spec"].get("replicas", 1))
    pods = _live(world.children(replicaset, "Pod"))
    for index in range(wanted - len(pods)):
        seed = [replicaset["metadata"]["uid"], world.store.version, index]
        created = world.create("", "pods", _pod(replicaset, f"{replicaset['metadata']['name']}-{digest(seed, 5)}"))
        if created is not None:
            world.event(
                replicaset,
                "Normal",
                "SuccessfulCreate",
                f"Created pod: {created['metadata']['name']}",
                "replicaset-controller",
            )
    for pod in sorted(pods, key=pod_ready)[: max(0, len(pods) - wanted)]:
        world.delete("", "pods", pod)
    ready = sum(1 for p in pods if pod_ready(p))
    status: Obj = {"replicas": len(pods), "observedGeneration": replicaset["metadata"]["generation"]}
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready, "fullyLabeledReplicas": len(pods)}
    world.put_status("apps", "replicasets", replicaset, status)


def _statefulset(world: World, statefulset: Obj) -> None:
    wanted = int(statefulset["spec"].get("replicas", 1))
    name = statefulset["metadata"]["name"]
    revision = f"{name}-{digest(statefulset['spec']['template'])}"
    every = {p["metadata"]["name"]: p for p in world.children(statefulset, "Pod")}
    parallel = statefulset["spec"].get("podManagementPolicy") == "Parallel"
    ready = updated = current = 0
    for index in range(wanted):
        pod = every.get(f"{name}-{index}")
        if pod is None:
            extra = {
                "statefulset.kubernetes.io/pod-name": f"{name}-{index}",
                "controller-revision-hash": revision,
            }
            fresh = _pod(statefulset, f"{name}-{index}", extra)
            _claims(world, statefulset, fresh, index)
            world.create("", "pods", fresh)
            if not parallel:
                break
            continue
        current += 1
        fits_revision = labels(pod).get("controller-revision-hash") == revision
        updated += fits_revision
        if pod_ready(pod):
            ready += 1
            if not fits_revision:
                world.delete("", "pods", pod)
                break
        elif not parallel:
            if not fits_revision:
                world.delete("", "pods", pod)
            break
    for pod_name, pod in every.items():
        if int(pod_name.rsplit("-", 1)[1]) >= wanted:
            world.delete("", "pods", pod)
    world.put_status(
        "apps",
        "statefulsets",
        statefulset,
        {
            "observedGeneration": statefulset["metadata"]["generation"],
            "replicas": len(every),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "currentReplicas": current,
            "updatedReplicas": updated,
            "currentRevision": revision,
            "updateRevision": revision,
        },
    )


def _claims(world: World, statefulset: Obj, pod: Obj, index: int) -> None:
    for template in statefulset["spec"].get("volumeClaimTemplates") or []:
        claim_name = f"{template['metadata']['name']}-{statefulset['metadata']['name']}-{index}"
        claim = {
            "metadata": {"name": claim_name, "namespace": statefulset["metadata"]["namespace"]},
            "spec": clone(template["spec"]),
        }
        world.create("", "persistentvolumeclaims", claim)
        volumes = pod["spec"].setdefault("volumes", [])
        volumes.append({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim_name}})


def _daemonset(world: World, daemonset: Obj, nodes: list[Obj]) -> None:
    template = daemonset["spec"]["template"]["spec"]
    tag = digest(daemonset["spec"]["template"])
    wanted = [n["metadata"]["name"] for n in nodes if fits(template, n, daemon=True)]
    pods: dict[str, list[Obj]] = {}
    for pod in world.children(daemonset, "Pod"):
        pods.setdefault(dig(pod, "spec", "nodeName", default=""), []).append(pod)
    ready = updated = 0
    for node in wanted:
        here = pods.get(node, [])
        if not here:
            seed = [daemonset["metadata"]["uid"], node, world.store.version]
            fresh = _pod(
                daemonset,
                f"{daemonset['metadata']['name']}-{digest(seed, 5)}",
                {"controller-revision-hash": tag, "pod-template-generation": "1"},
            )
            fresh["spec"]["nodeName"] = node
            world.create("", "pods", fresh)
            continue
        for pod in here:
            fresh_revision = labels(pod).get("controller-revision-hash") == tag
            updated += fresh_revision
            ready += pod_ready(pod)
            if not fresh_revision:
                world.delete("", "pods", pod)
    for node, here in pods.items():
        if node not in wanted:
            for pod in here:
                world.delete("", "pods", pod)
    scheduled = sum(1 for node in wanted if pods.get(node))
    world.put_status(
        "apps",
        "daemonsets",
        daemonset,
        {
            "observedGeneration": daemonset["metadata"]["generation"],
            "desiredNumberScheduled": len(wanted),
            "currentNumberScheduled": scheduled,
            "updatedNumberScheduled": updated,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(wanted) - ready,
            "numberMisscheduled": 0,
        },
    )


def _job(world: World, job: Obj) -> None:
    if condition_true(job, "Complete") or condition_true(job, "Failed"):
        return
    pods = world.children(job, "Pod")
    done = sum(1 for p in pods if dig(p, "status", "phase") == "Succeeded")
    failed = sum(1 for p in pods if dig(p, "status", "phase") == "Failed")
    active = [p for p in pods if dig(p, "status", "phase") in ("Pending", "Running")]
    status = clone(job.get("status") or {})
    status.setdefault("startTime", now())
    completions = int(job["spec"].get("completions") or 1)
    holder: Obj = {"status": status}
    if done >= completions:
        status["completionTime"] = now()
        set_condition(holder, "Complete", "True")
        world.event(job, "Normal", "Completed", "Job completed", "job-controller")
    elif failed > int(job["spec"].get("backoffLimit", 6)):
        set_condition(holder, "Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    else:
        room = min(int(job["spec"].get("parallelism") or 1), completions - done) - len(active)
        for index in range(room):
            seed = [job["metadata"]["uid"], world.store.version, index]
            world.create("", "pods", _pod(job, f"{job['metadata']['name']}-{digest(seed, 5)}"))
    status |= {"active": len(active), "succeeded": done, "failed": failed}
    world.put_status("batch", "jobs", job, {k: v for k, v in status.items() if v not in (0, [])})


def _set_replicas(count: int, obj: Obj) -> None:
    obj["spec"]["replicas"] = count
