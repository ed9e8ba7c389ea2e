/* The application: started as a container engine would, waited for, and its orphans with it. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "environment.h"

/*
 * In a container process 1 is the application, and programs write to /proc/1/fd/1 what is to be seen in
 * its log (jobs of cron, a web server's log file). Here that is init's, which is root's and closed to
 * others: links to the console take its place, whose file is the application's user's.
 */
static void show_console(const char *console)
{
	if (mount("tmpfs", "/proc/1/fd", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0555,size=4k,nr_inodes=8") == 0)
		for (int fd = 0; fd <= STDERR_FILENO; fd++) {
			char link[] = "/proc/1/fd/0";

			link[sizeof(link) - 2] += (char)fd;
			if (symlink(console, link) != 0)
				say("cannot make %s: %s", link, strerror(errno));
		}
}

/*
 * Make the console our session's terminal: -1, or a file of it. /dev/console itself cannot be one; the
 * device behind it can, and with one Ctrl-C and job control work.
 *
 * The session is not the application's, for with its leader a session's terminal goes: what the
 * application left running would be hung up, and could not say a last word.
 */
static int take_console(void)
{
	char *active = read_file("/sys/class/tty/console/active", NULL);
	char *name, path[64] = "/dev/console";
	int tty = -1;

	if (active) {
		active[strcspn(active, "\n")] = '\0';
		name = strrchr(active, ' ');
		snprintf(path, sizeof(path), "/dev/%s", name ? name + 1 : active);
		tty = open(path, O_RDWR | O_CLOEXEC);
	}
	free(active);
	if (tty >= 0 && (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) != 0)) {
		close(tty);
		tty = -1;
	}
	show_console(path);
	return tty;
}

/*
 * In the child: the terminal, the console or a container's, is the application's, which then is asked
 * first what Ctrl-C means; its user must own it to open /dev/stdout.
 */
static void give_console(int tty, uid_t uid)
{
	int terminal = tty >= 0 ? tty : STDIN_FILENO;

	if (tcgetpgrp(terminal) == getpgrp() && setpgid(0, 0) == 0)
		tcsetpgrp(terminal, getpid());
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (tty >= 0)
			dup2(tty, fd);
		if (isatty(fd) && fchown(fd, uid, (gid_t)-1) != 0)
			break; /* a read-only /dev: then it stays root's */
	}
}

/* Who it runs as. The runtime gives numbers; an image alone may name its user. */
static const char *find_account(struct account *out, const struct config *config)
{
	char *passwd = read_file("/etc/passwd", NULL), *group = read_file("/etc/group", NULL);
	const char *users = passwd ? passwd : "", *groups = group ? group : "", *wrong;
	char who[64];

	if (config->has_uid) {
		snprintf(who, sizeof(who), "%u", (unsigned)config->uid);
		wrong = account_find(out, who, users, groups);
		if (!wrong && config->has_gid && config->gid != out->gid) {
			/* Another group than the user's own was asked for. */
			snprintf(who, sizeof(who), "%u:%u", (unsigned)config->uid,
				 (unsigned)config->gid);
			wrong = account_find(out, who, users, groups);
		}
	} else {
		wrong = account_find(out, config->user ? config->user : "", users, groups);
	}
	free(passwd);
	free(group);
	return wrong;
}

static bool become(const struct account *account)
{
	gid_t groups[ACCOUNT_GROUPS];

	for (size_t i = 0; i < account->group_count; i++)
		groups[i] = account->groups[i];
	/* EPERM: a container without the right to; there the engine has set them. */
	if (setgroups(account->group_count, groups) != 0 && errno != EPERM)
		say("cannot set the groups: %s", strerror(errno));
	else if (setgid(account->gid) != 0)
		say("cannot become group %u: %s", (unsigned)account->gid, strerror(errno));
	else if (setuid(account->uid) != 0)
		say("cannot become user %u: %s", (unsigned)account->uid, strerror(errno));
	else
		return true;
	return false;
}

/* execve by the application's own PATH. Returns the errno that tells most. */
static int execute(char **args, char **env)
{
	const char *path = find_env(env, "PATH");
	int worst = ENOENT;

	if (strchr(args[0], '/') || !path) {
		execve(args[0], args, env);
		return errno;
	}
	for (;;) {
		size_t length = strcspn(path, ":");
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%.*s%s%s", (int)length, path, length ? "/" : "",
			 args[0]);
		execve(file, args, env);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
		if (!path[length])
			return worst;
		path += length + 1;
	}
}

/* In the child: everything a container engine does between fork and exec. */
static int become_app(const struct launch *launch, int tty)
{
	const struct config *config = launch->config;
	const char *dir = config->workdir && *config->workdir ? config->workdir : "/";
	struct account account;
	char home[sizeof(account.home) + 8], path[PATH_MAX];
	const char *wrong = find_account(&account, config);
	size_t count = 0;
	sigset_t none;
	int error;

	if (wrong) {
		say("user %s: %s", config->user ? config->user : "", wrong);
		return 126;
	}
	give_console(tty, account.uid);
	set_limits(config);
	if (strlen(dir) < sizeof(path)) {
		strcpy(path, dir);
		make_dirs(path);
	}
	/* Before and after: root may enter where the user may not, and the other way on 9p. */
	error = chdir(dir);
	if (!become(&account))
		return 126;
	if (error != 0 && chdir(dir) != 0) {
		say("cannot enter %s: %s", dir, strerror(errno));
		return 126;
	}
	while (launch->env[count])
		count++;
	if (!find_env(launch->env, "HOME")) {
		/* app_env left room for it */
		snprintf(home, sizeof(home), "HOME=%s", account.home);
		launch->env[count++] = home;
		launch->env[count] = NULL;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	error = execute(launch->args, launch->env);
	say("cannot run %s: %s", launch->args[0], strerror(error));
	return error == ENOENT || error == ENOTDIR ? 127 : 126;
}

/*
 * Take every child that has ended; whether `app` was among them. Stopped by its terminal (Ctrl-Z) it
 * goes on: there is no shell here to continue it.
 */
static bool reap(pid_t app, int *status)
{
	bool ended = false;
	int how;
	pid_t pid;

	while ((pid = waitpid(-1, &how, WNOHANG | WUNTRACED)) > 0)
		if (WIFSTOPPED(how)) {
			if (pid == app && WSTOPSIG(how) != SIGSTOP)
				kill(-app, SIGCONT);
		} else if (pid == app) {
			*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
			ended = true;
		}
	return ended;
}

/* Whether, within `tenths` of a second, no child is left. */
static bool all_gone(const sigset_t *all, int tenths)
{
	struct timespec step = {0, 100 * 1000 * 1000};
	int how;
	pid_t pid;

	for (;; tenths--) {
		while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
			;
		if (pid < 0 || tenths == 0)
			return pid < 0;
		sigtimedwait(all, NULL, &step);
	}
}

/* What is still running may end by itself for a moment, then no more. */
static void end_rest(const sigset_t *all)
{
	if (!is_machine() || all_gone(all, 0))
		return;
	kill(-1, SIGTERM);
	if (!all_gone(all, 20)) {
		kill(-1, SIGKILL);
		all_gone(all, 10);
	}
}

int run_app(const struct launch *launch)
{
	sigset_t all;
	int status = 0, tty = -1;
	pid_t app;

	/* Signals are taken one at a time by sigwaitinfo below: no handler, no race. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (is_machine()) {
		reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del then comes as SIGINT */
		tty = take_console();
	}
	app = fork();
	if (app < 0) {
		say("cannot start a process: %s", strerror(errno));
		return 125;
	}
	if (app == 0)
		_exit(become_app(launch, tty));
	for (;;) {
		int number = sigwaitinfo(&all, NULL);

		if (number == SIGCHLD) {
			if (reap(app, &status))
				break;
		} else if (number > 0 && number != SIGTTOU && number != SIGTTIN && number != SIGTSTP) {
			/* What init is told to shut down by: Ctrl-Alt-Del, where there is a
			 * keyboard, and a power supply that fails. The application is asked. */
			bool stop = is_machine() && (number == SIGINT || number == SIGPWR);

			kill(app, stop ? SIGTERM : number);
		}
	}
	end_rest(&all);
	return status;
}
