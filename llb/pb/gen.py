"""Generate `*_pb2.py` and `*_pb2.pyi` beside the `.proto` files of this folder.

Run it as `python -m llb.pb.gen` (`make gen`). It needs the `gen` dependency group. The protos
import each other as `llb/pb/NAME.proto`, so the generated code imports `llb.pb` and makes no other
package. No gRPC stubs are made: `frontend.gateway.channel` calls methods by name, which imports
faster.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Write the generated files; return protoc's exit status (0 is success)."""
    import grpc_tools
    from grpc_tools import protoc

    root = HERE.parent.parent
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    protos = sorted(path.relative_to(root).as_posix() for path in HERE.glob("*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={root}",
        f"--proto_path={well_known}",
        f"--plugin=protoc-gen-mypy={Path(sys.executable).parent / 'protoc-gen-mypy'}",
        f"--python_out={root}",
        f"--mypy_out=quiet:{root}",
        *protos,
    ]
    return int(protoc.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
