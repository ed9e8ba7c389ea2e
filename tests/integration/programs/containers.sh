# What a program finds: a line "topic|what|value" for each thing. In a container and in a guest alike.
# It needs a shell, the usual small tools, and perl for what they cannot ask.
say() { printf '%s|%s|%s\n' "$1" "$2" "$3"; }
may() { if eval "$1" >/dev/null 2>&1; then echo yes; else echo no; fi; }
limit() { sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\).*/\1, at most \2/p" /proc/self/limits; }
kind() { sed -n "s#^[^ ]* $1 \([^ ]*\) \(r[ow]\)[ ,].*#\1 \2#p" /proc/mounts | tail -n 1; }

say names "localhost" "$(may 'getent hosts localhost')"
say names "its own name has an address" "$(may 'getent hosts "$(hostname)"')"
say names "hostname is \$HOSTNAME" "$(may 'test "$(hostname)" = "$HOSTNAME"')"
say names "/etc/hostname is that" "$(may 'test "$(cat /etc/hostname)" = "$(hostname)"')"

for file in null zero full random urandom tty ptmx shm mqueue fd/1 stdout stderr; do
	say devices "/dev/$file can be written to" "$(may "test -w /dev/$file")"
done
say devices "/dev/tty can be opened" "$(may "sh -c ': </dev/tty'")"
say devices "/proc/1/fd/1 can be written to" "$(may 'echo "a line for the log" >/proc/1/fd/1')"
say devices "/dev/mem is there" "$(may 'test -e /dev/mem')"

for name in "Max open files" "Max processes" "Max core file size" "Max stack size" "Max locked memory"; do
	say limits "$name" "$(limit "$name")"
done

for name in net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/core/somaxconn \
	vm/dirty_expire_centisecs; do
	say sysctls "$name" "$(tr '\t' ' ' 2>/dev/null </proc/sys/$name)"
done
say sysctls "a user listens on port 80" "$(may "perl -MSocket -e '
	socket(S, PF_INET, SOCK_STREAM, 0) && bind(S, sockaddr_in(80, INADDR_ANY)) or exit 1'")"
say sysctls "a user pings" "$(may "perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 1) or exit 1'")"

for path in / /proc /sys /dev /dev/pts /dev/shm /dev/mqueue /run /tmp; do
	found=$(kind $path)
	say mounts "$path" "${found:-of the root}"
done
for path in /run/app /srv/app; do
	say mounts "a socket in $path" "$(may "perl -MSocket -e '
		socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un(q($path/s))) && listen(S, 1) &&
		socket(C, PF_UNIX, SOCK_STREAM, 0) && connect(C, sockaddr_un(q($path/s))) or exit 1'")"
	say mounts "a FIFO in $path" "$(may "mkfifo $path/f")"
done

say process "user and groups" "$(id -u):$(id -g) $(id -G)"
say process "process 1 is the program" "$(may "test $$ = 1")"
say process "umask" "$(umask)"
say process "directory" "$(pwd)"
say process "HOME" "$HOME"
say process "a value with a newline is whole" "$(may 'test "$TWO" = "a
LD_PRELOAD=/x" && test -z "$LD_PRELOAD"')"
say process "a value with blanks is whole" "$(may 'test "$MOTTO" = "more than  one word"')"
say process "setuid programs work" "$(may 'grep -q "NoNewPrivs:.0" /proc/self/status')"
