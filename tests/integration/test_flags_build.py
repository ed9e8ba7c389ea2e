"""What build flags do: docs/contract/buildkit.md 9, from targets and platforms to caches."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.harness import FILE, Builder
from tests.integration.harness.flags import hutch, project, pruned, tree

__all__ = ["hutch", "project", "pruned"]

pytestmark = pytest.mark.integration

# A step of the user's own, which shows what a step sees.
STEP = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app:
  from: local
  build: |
    cat /etc/hosts > hosts
    ulimit -n > ulimit
    df -k /dev/shm | tail -1 > shm
    hostname > hostname 2>/dev/null || cat /etc/hostname > hostname
    cat /proc/self/cgroup > cgroup
    ls /sys/class/net > net
    env | grep -i proxy > proxy || true
    echo "$SOURCE_DATE_EPOCH" > epoch
  artifacts: [hosts:/hosts, ulimit:/ulimit, shm:/shm, hostname:/hostname, cgroup:/cgroup,
              net:/net, proxy:/proxy, epoch:/epoch]
rootfs: {type: initrd}
cmd: [/hello]
"""
APP = ("--target", "app")


@pytest.fixture
def step(hutch: Builder, tmp_path: Path) -> Path:
    return hutch.project(tmp_path / "step", STEP)


class TestTargets:
    def test_kernel_leaves_the_file(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        assert tree(hutch.files(tmp_path, project, "--target", "kernel")) == {"kernel": "KERNEL"}

    def test_rootfs_and_image(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        assert tree(hutch.files(tmp_path, project, "--target", "ROOTFS")) == {"hello": "HELLO"}
        files = tree(hutch.files(tmp_path, project, "--target", "image"))
        assert set(files) == {".boot/kernel", "hello", "urunc.json"}

    def test_unknown_and_missing_ones(self, hutch: Builder, project: Path) -> None:
        assert "did you mean 'kernel'?" in hutch.buildx(project, "--target", "kernle").failed()
        assert "no-such-target" in hutch.buildx(project, *APP).failed()


class TestPlatforms:
    def test_one_of_another_architecture(self, hutch: Builder, project: Path) -> None:
        image = hutch.publish(project, "--platform", "linux/arm64", "--provenance=false")
        assert image.config["architecture"] == "arm64"

    def test_several_make_an_index(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "multi", FILE.replace("/hello]", '"/${TARGETARCH}"]'))
        command = ("--platform", "linux/amd64,linux/arm64", "--provenance=false")
        if not hutch.has_containerd_store:
            text = hutch.buildx(folder, *command, "--push", "-t", f"{hutch.registry}/m:1").failed()
            assert "multi" in text.lower() or "export" in text.lower()
            return
        image = hutch.publish(folder, *command)
        assert set(image.manifests) == {"linux/amd64", "linux/arm64"}
        for manifest in image.manifests.values():
            annotations = manifest["annotations"]
            assert annotations["com.urunc.unikernel.unikernelType"] == "generic"
            assert annotations["com.urunc.unikernel.binary"] == "/.boot/kernel"

    def test_one_that_the_guest_has_not_is_named(self, hutch: Builder, project: Path) -> None:
        text = hutch.buildx(project, "--platform", "linux/riscv64").failed()
        assert "cannot be built for linux/riscv64" in text
        assert "unsupported-platform" in text

    def test_the_file_and_the_flag_may_not_contradict(self, hutch: Builder, tmp_path: Path) -> None:
        said = FILE.replace("monitor: qemu", "monitor: qemu\n  architecture: aarch64")
        folder = hutch.project(tmp_path / "arch", said)
        text = hutch.buildx(folder, "--platform", "linux/amd64").failed()
        assert "architecture-contradiction" in text
        image = hutch.publish(folder, "--provenance=false")
        assert image.config["architecture"] == "arm64"


class TestImageFlags:
    def test_label(self, hutch: Builder, project: Path) -> None:
        labels = hutch.publish(project, "--label", "who=me", "--provenance=false").labels
        assert labels["who"] == "me"
        assert labels["com.urunc.unikernel.hypervisor"] == "qemu"

    def test_annotation(self, hutch: Builder, project: Path) -> None:
        if not hutch.has_containerd_store:
            pytest.skip("annotations need Docker's containerd image store")
        flags = ("--annotation", "org.example.x=1", "--provenance=false")
        annotations = hutch.publish(project, *flags).annotations
        assert annotations["org.example.x"] == "1"
        assert annotations["com.urunc.unikernel.hypervisor"] == "qemu"

    def test_load_into_the_daemon(self, hutch: Builder, project: Path) -> None:
        hutch.buildx(project, "--load", "-t", "flags-loaded:1").ok()
        labels = hutch.docker("inspect", "-f", "{{json .Config.Labels}}", "flags-loaded:1").ok().out
        assert json.loads(labels)["com.urunc.unikernel.binary"] == "/.boot/kernel"

    def test_metadata_file(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        if hutch.is_old:
            pytest.skip("Docker 20.10 answers with the digest alone")
        facts = tmp_path / "facts.json"
        hutch.buildx(project, "--metadata-file", str(facts)).ok()
        assert json.loads(facts.read_text())["frontend.hutch.framework"] == "generic"


LOCAL_BASE = """\
version: v1
platforms: {framework: generic, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: "flags-only-here:1", type: raw}
cmd: [/x]
"""


class TestImages:
    def test_one_that_only_the_daemon_has(self, hutch: Builder, tmp_path: Path) -> None:
        """Built with --load and never pushed: the docker driver resolves it locally."""
        base = tmp_path / "base"
        base.mkdir()
        (base / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /from-the-daemon\n")
        hutch.buildx(
            base, "--load", "-t", "flags-only-here:1", "--provenance=false", file=None
        ).ok()
        folder = hutch.project(tmp_path / "local", LOCAL_BASE)
        out = hutch.files(tmp_path, folder, "--target", "rootfs")
        assert set(tree(out)) == {"from-the-daemon"}
        # --pull asks the registry, which has not got it.
        assert "flags-only-here" in hutch.buildx(folder, "--pull").failed()

    def test_pull_sees_a_moved_tag(self, hutch: Builder, tmp_path: Path) -> None:
        ref = f"{hutch.registry}/hutch-test/flags-moving:{os.urandom(4).hex()}"
        base = tmp_path / "base"
        base.mkdir()
        folder = hutch.project(tmp_path / "m", LOCAL_BASE.replace("flags-only-here:1", ref))
        for text in ("old", "new"):
            (base / "Dockerfile").write_text("FROM scratch\nCOPY text /text\n")
            (base / "text").write_text(text)
            hutch.buildx(base, "--push", "-t", ref, "--provenance=false", file=None).ok()
            out = hutch.files(tmp_path, folder, "--target", "rootfs", "--pull")
            assert tree(out) == {"text": text}


class TestSteps:
    """Flags that reach the steps. The toolchain is installed once, and then cached."""

    def test_add_host(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        flag = ("--add-host", "mirror.example:10.1.2.3")
        hosts = tree(hutch.files(tmp_path, step, *APP, *flag))["hosts"]
        assert "10.1.2.3\tmirror.example" in hosts

    def test_ulimit_and_shm_size(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        if hutch.is_old:
            pytest.skip("needs BuildKit 0.10")
        flags = ("--ulimit", "nofile=321:400", "--shm-size", "33m")
        seen = tree(hutch.files(tmp_path, step, *APP, *flags))
        assert seen["ulimit"] == "321\n"
        assert seen["shm"].split()[1] == str(33 << 10)

    def test_what_20_10_lacks_is_said(self, hutch: Builder, step: Path) -> None:
        if not hutch.is_old:
            return
        text = hutch.buildx(step, *APP, "--ulimit", "nofile=321:400").failed()
        assert "0.10" in text

    def test_cgroup_parent(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        if hutch.is_old:
            pytest.skip("needs BuildKit 0.10")
        seen = tree(hutch.files(tmp_path, step, *APP, "--cgroup-parent", "hutch-flags"))
        # A step in a cgroup namespace cannot see its parent; that the daemon took it has to do.
        assert seen["cgroup"]

    def test_network(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        """Build steps have none; `--network=none` takes it from those that install, too."""
        assert tree(hutch.files(tmp_path, step, *APP))["net"].split() == ["lo"]
        text = hutch.buildx(
            step, "--target", "toolchain", "--network", "none", "--no-cache-filter", "toolchain"
        ).failed()
        assert hutch.is_old or ">>>" in text

    def test_hostname(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        flag = ("--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=sandy")
        assert tree(hutch.files(tmp_path, step, *APP, *flag))["hostname"] == "sandy\n"

    def test_proxies_reach_only_steps_with_a_network(
        self, hutch: Builder, step: Path, tmp_path: Path
    ) -> None:
        proxy = ("--build-arg", "http_proxy=http://127.0.0.1:9")
        assert (
            tree(hutch.files(tmp_path, step, *APP, *proxy, "--no-cache-filter", "app"))["proxy"]
            == ""
        )
        command = ("--target", "toolchain", *proxy, "--no-cache-filter", "toolchain")
        done = hutch.buildx(step, *command)
        assert done.failed()
        assert "127.0.0.1" in done.log

    def test_epoch_reaches_the_step(self, hutch: Builder, step: Path, tmp_path: Path) -> None:
        flag = ("--build-arg", "SOURCE_DATE_EPOCH=1700000000")
        assert tree(hutch.files(tmp_path, step, *APP, *flag))["epoch"] == "1700000000\n"


class TestErrors:
    """What is shown of an error. The line of a mistake is in its message, too, on every engine."""

    @pytest.fixture
    def failing(self, hutch: Builder, tmp_path: Path) -> Path:
        file = STEP.replace("cat /etc/hosts > hosts", "echo what went wrong >&2; exit 7")
        return hutch.project(tmp_path / "bad", file)

    def test_a_failing_step_shows_its_output(self, hutch: Builder, failing: Path) -> None:
        text = hutch.buildx(failing, *APP).failed()
        assert "what went wrong" in text
        assert "exit code: 7" in text

    def test_a_failing_step_shows_its_line(self, hutch: Builder, failing: Path) -> None:
        text = hutch.buildx(failing, *APP).failed()
        assert ">>>     echo what went wrong >&2; exit 7" in text

    def test_a_mistake_shows_its_line(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", FILE.replace("monitor: qemu", "monitor: qemo"))
        text = hutch.buildx(folder).failed()
        assert "bunnyfile:5:12: " in text
        assert ">>>   monitor: qemo" in text


class TestCaches:
    @staticmethod
    def steps(all_of_them: dict[str, bool]) -> dict[str, bool]:
        """The steps of kernel and rootfs, under the names of their groups: were they cached?

        Docker 20.10 knows no groups. Putting layers together is done anew each time, in no time.
        """
        alone = {"include hello": "rootfs", "add the kernel": "kernel"}
        found: dict[str, bool] = {}
        for name, cached in all_of_them.items():
            framework, _, what = name.partition(" ")
            what = alone.get(what, what)
            if framework == "[generic]" and what in alone.values():
                found[f"[generic] {what}"] = cached
        return found

    def test_no_cache_and_its_filter(self, hutch: Builder, project: Path) -> None:
        (project / "hello").write_text(os.urandom(8).hex())  # nobody else builds it meanwhile
        hutch.buildx(project).ok()
        again = self.steps(hutch.buildx(project).ok().steps)
        assert again
        assert set(again.values()) == {True}
        some = self.steps(hutch.buildx(project, "--no-cache-filter", "ROOTFS").ok().steps)
        assert some == {"[generic] rootfs": False, "[generic] kernel": True}
        none = self.steps(hutch.buildx(project, "--no-cache").ok().steps)
        assert set(none.values()) == {False}

    @pytest.mark.parametrize("kind", ["registry", "local", "inline"])
    def test_cache_to_and_from(
        self, hutch: Builder, tmp_path: Path, kind: str, pruned: Builder
    ) -> None:
        """A builder whose cache was pruned finds every step in the exported one."""
        if kind != "inline" and not hutch.has_containerd_store:
            pytest.skip("Docker exports caches other than inline with the containerd store only")
        salt = os.urandom(8).hex()
        folder = pruned.project(tmp_path / "c", FILE.replace("/hello]", f"/hello, {salt}]"))
        (folder / "hello").write_text(salt)
        ref = f"{pruned.registry}/hutch-test/flags-cache:{salt}"
        to, from_ = {
            "registry": (f"type=registry,ref={ref},mode=max", f"type=registry,ref={ref}"),
            "local": (
                f"type=local,dest={tmp_path}/cache,mode=max",
                f"type=local,src={tmp_path}/cache",
            ),
            "inline": ("type=inline", f"type=registry,ref={ref}-image"),
        }[kind]
        push = ("--push", "-t", f"{ref}-image", "--provenance=false")
        first = pruned.buildx(folder, "--cache-to", to, *push).ok()
        assert False in self.steps(first.steps).values()
        pruned.docker("buildx", "prune", "-af").ok()
        without = self.steps(pruned.buildx(folder).ok().steps)
        assert not without["[generic] rootfs"]
        pruned.docker("buildx", "prune", "-af").ok()
        found = self.steps(pruned.buildx(folder, "--cache-from", from_).ok().steps)
        assert set(found) == {"[generic] rootfs", "[generic] kernel"}
        assert set(found.values()) == {True}, found
