"""The files in deploy/ hold together: real settings, valid manifests, nothing that runs as root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from coach.config import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
# Read before there are settings, and by the build.
NO_SETTINGS = {"COACH_CONFIG", "COACH_SKIP_WEB"}
# server.py: the disk is given 5 s, sockets 10; workers.py: 20 for all of it.
DRAIN_S = 20


def manifests() -> list[dict]:
    """Every object of every manifest."""
    found = []
    for file in sorted(KUBERNETES.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            found += [each for each in yaml.safe_load_all(file.read_text("utf-8")) if each]
    return found


def named(kind: str) -> dict[str, dict]:
    """The objects of a kind by their names."""
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def pods() -> dict[str, dict]:
    """The templates of everything that makes pods."""
    makers = {**named("Deployment"), **named("Job")}
    return {name: each["spec"]["template"] for name, each in makers.items()}


def compose() -> dict:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose" / "docker-compose.yml").read_text("utf-8"))


def test_every_variable_is_a_setting():
    """A misspelt COACH_ name would be refused at the start of the service, in the night."""
    known = {f"COACH_{name.upper()}" for name in Settings.model_fields} | NO_SETTINGS
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            named_there = set(re.findall(r"\bCOACH_[A-Z0-9_]*[A-Z0-9]", file.read_text("utf-8")))
            assert named_there <= known, file.relative_to(ROOT)


def test_the_settings_of_the_manifests_are_accepted(monkeypatch):
    """Their values are of the right kind, together too."""
    for name, value in named("ConfigMap")["coach"]["data"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COACH_REDIS_URL", "redis://valkey:6379/0")
    assert Settings().workers == 2
    values = dict(
        line.split("=", 1)
        for line in (DEPLOY / "systemd" / "coach.env").read_text("utf-8").splitlines()
        if line.startswith("COACH_")
    )
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert Settings().trusted_proxies == ("127.0.0.1",)


def test_no_pod_is_told_of_services_in_its_environment():
    """Kubernetes would say COACH_PORT=tcp://10.0.0.1:8600 for the Service `coach`: no port, no start."""
    for name, pod in pods().items():
        assert pod["spec"]["enableServiceLinks"] is False, name
    port = named("ConfigMap")["coach"]["data"]["COACH_PORT"]
    for name in named("Deployment"):
        assert int(port) == pods()[name]["spec"]["containers"][0]["ports"][0]["containerPort"], name


def test_the_manifests_are_valid():
    """Each object is what the API of Kubernetes takes, with no unknown field."""
    validator = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    assert len(manifests()) >= 12
    for each in manifests():
        validator.validate(each, desired_version=validator.latest_version(), strict=True)


def test_every_manifest_is_applied():
    """What kustomize takes is all there is, but for what comes before it and the secret's example."""
    listed = set(yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))["resources"])
    there = {file.name for file in KUBERNETES.glob("*.yaml")}
    assert there - listed == {"kustomization.yaml", "migrate.yaml", "secret.example.yaml"}
    assert listed <= there


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_kustomize_puts_the_image_into_every_pod():
    """The registry is named in one place; the job before it has the same."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES)], capture_output=True, encoding="utf-8", check=True
    )
    images = set(re.findall(r"image: (\S+)", done.stdout))
    job = pods()["coach-migrate"]["spec"]["containers"][0]["image"]
    assert images == {job}


def test_what_manifests_point_at_is_there():
    """Selectors find pods, ports have their names, configuration and targets exist."""
    labels = [each["metadata"]["labels"] for each in pods().values()]
    for maker in named("Deployment").values():
        selector = maker["spec"]["selector"]["matchLabels"]
        assert selector.items() <= maker["spec"]["template"]["metadata"]["labels"].items()
    services = named("Service")
    selectors = [each["spec"]["selector"] for each in services.values()]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in named("PodDisruptionBudget").values()]
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector
    for ingress in named("Ingress").values():
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = [each["name"] for each in services[backend["name"]]["spec"]["ports"]]
            assert backend["port"]["name"] in ports
    for scaler in named("HorizontalPodAutoscaler").values():
        assert scaler["spec"]["scaleTargetRef"]["name"] in named("Deployment")
    claims = named("PersistentVolumeClaim")
    for pod in pods().values():
        for source in pod["spec"]["containers"][0]["envFrom"]:
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                assert key not in source or source[key]["name"] in named(kind)
        for volume in pod["spec"]["volumes"]:
            claim = volume.get("persistentVolumeClaim")
            assert claim is None or claim["claimName"] in claims


def test_paths_that_read_review_files_go_where_these_are():
    """A route that looks into the reviews' folder is answered by the pod that has it."""
    there = [
        path["path"]
        for path in named("Ingress")["coach-reviews"]["spec"]["rules"][0]["http"]["paths"]
        if path["backend"]["service"]["name"] == "coach-reviews"
    ]
    routes = ROOT / "coach" / "service"
    for module in ("review_routes.py", "decision_routes.py"):
        source = (routes / module).read_text("utf-8")
        paths = re.findall(r'"(/v1/[^"{]*)', source)
        assert paths, module
        for path in paths:
            assert any(path.rstrip("/").startswith(each) for each in there), path


def backend_of(path: str) -> str:
    """The service that ingress-nginx picks: with `use-regex` anywhere on a host, every path of it is a pattern, longest first."""
    ingresses = named("Ingress").values()
    annotations = [each["metadata"]["annotations"] for each in ingresses]
    assert any(each.get("nginx.ingress.kubernetes.io/use-regex") == "true" for each in annotations)
    rules = [each for ingress in ingresses for each in ingress["spec"]["rules"][0]["http"]["paths"]]
    rules.sort(key=lambda rule: len(rule["path"]), reverse=True)
    found = next(rule for rule in rules if re.match(rule["path"], path, re.IGNORECASE))
    return found["backend"]["service"]["name"]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/calls/c-1", "coach-reviews"),
        ("/v1/customers/138", "coach-reviews"),
        ("/v1/customers/a/b", "coach-reviews"),
        ("/v1/reviews/r1", "coach-reviews"),
        ("/v1/rules/health", "coach-reviews"),
        ("/v1/calls/c-1/events", "coach"),
        ("/v1/calls", "coach"),
        ("/v1/rules", "coach"),
        ("/v1/agents/a/stream", "coach"),
        ("/", "coach"),
    ],
)
def test_deletions_go_where_the_reviews_are(path, service):
    """Who deletes a call is told which reviews hold it; only the pod that has their files knows."""
    assert backend_of(path) == service


def test_no_container_may_more_than_it_needs():
    """None runs as root, gets privileges, or writes but to its volumes."""
    for name, pod in pods().items():
        assert pod["spec"]["securityContext"]["runAsNonRoot"], name
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        for container in pod["spec"]["containers"]:
            allowed = container["securityContext"]
            assert allowed["readOnlyRootFilesystem"], name
            assert allowed["allowPrivilegeEscalation"] is False, name
            assert allowed["capabilities"] == {"drop": ["ALL"]}, name
            assert {each["mountPath"] for each in container["volumeMounts"]} == {"/var/lib/coach", "/tmp"}
    for name, service in compose()["services"].items():
        assert "no-new-privileges:true" in service.get("security_opt", []) or name == "postgres", name
        assert service.get("read_only") or name == "postgres", name


def test_there_is_time_to_drain():
    """A pod, a container and a unit are granted what the service takes to let go, and the pause before it."""
    for name in ("coach", "coach-reviews"):
        pod = pods()[name]["spec"]
        pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
        assert pod["terminationGracePeriodSeconds"] >= pause + DRAIN_S
    assert int(compose()["services"]["coach"]["stop_grace_period"].rstrip("s")) >= DRAIN_S
    unit = (DEPLOY / "systemd" / "coach.service").read_text("utf-8")
    assert int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) >= DRAIN_S


def test_no_secret_is_written_down():
    """Examples have empty places for what is secret, and what is filled in is not committed."""
    example = named("Secret")["coach-secrets"]["stringData"]
    assert set(example.values()) == {""}
    assert "POSTGRES_PASSWORD=\n" in (DEPLOY / "compose" / "env.example").read_text("utf-8")
    ignored = (DEPLOY / "compose" / ".gitignore").read_text("utf-8").split()
    assert {".env", "tls/"} <= set(ignored)


def test_compose_names_what_it_has():
    """Services, networks and volumes that are referred to are declared, and what is mounted is in the repository."""
    file = compose()
    for name, service in file["services"].items():
        assert set(service.get("depends_on", {})) <= set(file["services"]), name
        assert set(service["networks"]) <= set(file["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./tls"):
                continue
            assert source in file["volumes"] or (DEPLOY / "compose" / source).exists(), volume
    build = file["services"]["coach"]["build"]
    context = (DEPLOY / "compose" / build["context"]).resolve()
    assert context == ROOT.resolve()
    assert (context / build["dockerfile"]).is_file()
    subnet = file["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert file["services"]["coach"]["environment"]["COACH_TRUSTED_PROXIES"] == subnet


def test_compose_starts_nobody_as_root_without_roots_rights():
    """An image that begins as root hands its folders over first, which it may not do without capabilities."""
    # What these images run as by themselves: nginx-unprivileged's 101, ours (deploy/Dockerfile).
    not_root = {"nginxinc/nginx-unprivileged", "coach"}
    for name, service in compose()["services"].items():
        if service.get("cap_drop") != ["ALL"] or service["image"].split(":")[0] in not_root:
            continue
        assert service.get("user") not in {None, "root", "0"}, name
        assert "cap_add" not in service, name
        for mount in service.get("tmpfs", []):
            assert "mode=1777" in mount, name


def has_compose() -> bool:
    """Tell whether docker has its compose plug-in; that needs no engine."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="needs docker compose (no engine)")
def test_compose_reads_its_file(tmp_path):
    """Compose itself takes the file, and refuses to begin without a password."""
    command = ["docker", "compose", "--file", str(DEPLOY / "compose" / "docker-compose.yml")]
    settings = tmp_path / "env"
    settings.write_text("POSTGRES_PASSWORD=x\nSERVER_NAME=coach.example.com\n", "utf-8")

    def config(*options):
        return subprocess.run(
            [*command, *options, "config"], capture_output=True, encoding="utf-8", check=False, timeout=60
        )

    done = config("--env-file", str(settings))
    assert done.returncode == 0, done.stderr
    assert "coach.example.com,localhost" in done.stdout
    settings.write_text("SERVER_NAME=coach.example.com\n", "utf-8")
    assert "POSTGRES_PASSWORD" in config("--env-file", str(settings)).stderr


def test_the_image_installs_extras_that_exist():
    """The Dockerfile and the unit name extras of the package, and run as somebody else than root."""
    file = (DEPLOY / "Dockerfile").read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    asked = set(re.findall(r"coach\[([\w,]+)\]|'\.\[([\w,]+)\]'", file))
    assert len(asked) == 2
    for pair in asked:
        assert set("".join(pair).split(",")) <= set(extras)
    assert int(re.findall(r"^USER (\d+):", file, re.MULTILINE)[-1]) > 0
    assert file.index("USER ") < file.index("ENTRYPOINT")
    instructions = set(re.findall(r"^([A-Z]+) ", file, re.MULTILINE))
    assert {"HEALTHCHECK", "ENTRYPOINT"} <= instructions
    assert "ADD" not in instructions


def test_the_build_is_given_what_it_needs():
    """The ignore file lets in everything the wheel is made of, and no more than that."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert lines[[line[:1] for line in lines].index("*")] == "*"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {"coach", "rules", "phrasebook", "web", "hatch_build.py", "pyproject.toml"}
    assert let_in == needed | {project["readme"], *project["license-files"]}
    assert all((ROOT / each).exists() for each in let_in)


def test_nginx_fits_a_machine_of_its_own_as_its_header_says(tmp_path):
    """The command there makes a file for a distribution's unit: its pid file, the usual ports, coach on this machine."""
    folder = DEPLOY / "nginx"
    header = (folder / "nginx.conf").read_text("utf-8").split("\nworker_processes")[0]
    command = re.search(r"sed .*?> /etc/nginx/nginx\.conf", header.replace("\n#", "\n"), re.DOTALL)[0]
    done = subprocess.run(
        ["sh", "-c", command.replace("/etc/nginx/nginx.conf", str(tmp_path / "made"))],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    made = (tmp_path / "made").read_text("utf-8").split("\nworker_processes")[1]
    assert re.findall(r"^pid (.*);", made, re.MULTILINE) == ["/run/nginx.pid"]
    assert {port.split()[0] for port in re.findall(r"listen (?:\[::\]:)?(.*);", made)} == {"80", "443"}
    assert re.findall(r"^ +server (\S+:\d+)", made, re.MULTILINE) == ["127.0.0.1:8600"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    """No unknown directive, no value it would ignore, with a program that is there."""
    text = (DEPLOY / "systemd" / "coach.service").read_text("utf-8")
    text = text.replace("/opt/coach/bin/coach", sys.executable)
    unit = tmp_path / "coach.service"
    unit.write_text(text.replace("User=coach\nGroup=coach\n", ""), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if "coach.service" in line]
    assert complaints == []


def test_configuration_is_made_of_strings():
    """YAML makes a number of an unquoted 2, which a ConfigMap may not hold."""
    for each in manifests():
        if each["kind"] in {"ConfigMap", "Secret"}:
            values = {**each.get("data", {}), **each.get("stringData", {})}
            assert all(isinstance(value, str) for value in values.values()), values
