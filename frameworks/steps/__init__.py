"""What runs inside build steps, not on the builder: programs of ours, and shell scripts.

Every folder called `steps` is of this kind: this one for all frameworks, a framework's own folder
for what is the framework's. The programs run in hutch's own image (`Build.tool`), the scripts are
mounted into a step (`frameworks.scripts`). No module outside imports one of them.
"""
