"""What several recipes refuse of a plan, before anything is fetched.

checks.option_value(option, name, code, problems)   a value that no configuration can hold
checks.no_package(kernel, "netbsd", problems)       a source that no distribution packages
checks.unikernel(plan, "Rumprun", app, problems)    an application without its kernel, or back
"""

from __future__ import annotations

from frameworks.base import Plan
from frameworks.diagnostics import Collector
from frameworks.spec import Kernel, Option, PackageSource


def option_value(option: Option, name: str, code: str, problems: Collector) -> None:
    """Note a text among `kernel.options` that is no data.

    `code` is what the kernel's build would run of it, "" for nothing.
    """
    if not isinstance(option.value, str):
        return
    if not option.value.isprintable():
        problems.error(
            "bad-value",
            f"the value of {name} has a character that a kernel configuration cannot hold",
            at=option.name.at,
        )
    elif code:
        problems.error(
            "bad-value",
            f"the value of {name} has a '{code}', and the kernel's build would run it as code",
            hint="values of options are data: leave out $ and backquotes, and ; | & < >",
            at=option.name.at,
        )


def no_package(kernel: Kernel, system: str, problems: Collector) -> None:
    """Note a source that is said to be a distribution's package, of a system that none has."""
    if isinstance(kernel.source, PackageSource):
        problems.error(
            "unsupported-source",
            f"no distribution has the source of {system} as a package",
            hint="name it with `git`, `url` or `local`, or leave `source` out",
            at=kernel.source.package.at,
        )


def unikernel(plan: Plan, system: str, app: str, problems: Collector) -> Kernel | None:
    """The kernel of a plan that is to be built of its application; None where none is built.

    Noted is an application whose kernel is not built, and a kernel without its application, for
    which `app` is an example.
    """
    kernel = plan.kernel
    if kernel is None:
        return None  # which is noted already
    if kernel.from_ == "source":
        if plan.app is None:
            problems.error(
                "missing-key",
                f"the kernel of a {system} guest is its application, and there is no 'app'",
                hint=f"add '{app}'",
                at=kernel.from_.at,
                without=("app",),
            )
        return kernel
    if plan.app is not None:
        problems.error(
            "bad-combination",
            f"the application of a {system} guest is its kernel, and the kernel is not built here",
            hint="write 'kernel: {from: source}', or remove 'app'",
            at=plan.app.at,
        )
    return None
