/* The application: who it runs as, with what, and how it ended. */
#include "bsd.h"

#include <stdlib.h>
#include <string.h>

#include "accounts.h"

#define DEFAULT_PATH "/sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/sbin:/usr/pkg/bin:/usr/local/sbin:/usr/local/bin"

enum { ENOENT = 2, EACCES = 13 };

void config_complete(struct config *config, const struct config *image)
{
	if (!config->env) {
		config->env = image->env;
		config->env_count = image->env_count;
	}
	if (!config->args || config->arg_count == 0) {
		config->args = image->args;
		config->arg_count = image->arg_count;
	}
	if (!config->has_uid && !config->has_gid && !config->user) {
		config->has_uid = image->has_uid;
		config->has_gid = image->has_gid;
		config->uid = image->uid;
		config->gid = image->gid;
		config->user = image->user;
	}
	if (!config->workdir || !*config->workdir)
		config->workdir = image->workdir;
	if (!config->hostname)
		config->hostname = image->hostname;
	if (!config->ip) {
		config->ip = image->ip;
		config->gateway = image->gateway;
		config->netmask = image->netmask;
		config->name_servers = image->name_servers;
		config->name_server_count = image->name_server_count;
	}
	if (config->limit_count == 0) {
		config->limits = image->limits;
		config->limit_count = image->limit_count;
	}
	if (config->volume_count == 0) {
		config->volumes = image->volumes;
		config->volume_count = image->volume_count;
	}
}

static void set_limits(const struct config *config)
{
	/* The numbers are the same on both systems (sys/resource.h). */
	static const char *const names[] = {"CPU",  "FSIZE",   "DATA",  "STACK",  "CORE",  "RSS",
					    "MEMLOCK", "NPROC", "NOFILE", "SBSIZE", "AS"};
	const uint64_t infinity = INT64_MAX;

	for (size_t i = 0; i < config->limit_count; i++) {
		const struct config_limit *limit = &config->limits[i];
		const char *name = limit->name;
		bool known = false;

		if (strncmp(name, "RLIMIT_", 7) == 0)
			name += 7;
		for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
			if (strcmp(name, names[n]) == 0)
				known = sys_setlimit((int)n, limit->soft > infinity ? infinity : limit->soft,
						     limit->hard > infinity ? infinity : limit->hard) == 0;
		if (!known)
			say("the limit ", limit->name, " cannot be set", NULL);
	}
}

static const char *find_env(char *const *env, const char *name)
{
	size_t length = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, length) == 0 && (*env)[length] == '=')
			return *env + length + 1;
	return NULL;
}

static char *joined(const char *one, size_t length, const char *other)
{
	size_t rest = strlen(other) + 1;
	char *out = malloc(length + 1 + rest);

	if (!out)
		return NULL;
	memcpy(out, one, length);
	memcpy(out + length, other, rest);
	return out;
}

/* The environment with PATH and HOME, which every container has. */
static char **complete_env(const struct config *config, const char *home)
{
	char **env = malloc((config->env_count + 3) * sizeof(*env));
	size_t n = 0;

	if (!env)
		return NULL;
	for (; n < config->env_count; n++)
		env[n] = config->env[n];
	env[n] = NULL;
	if (!find_env(env, "PATH")) {
		env[n++] = "PATH=" DEFAULT_PATH;
		env[n] = NULL;
	}
	if (!find_env(env, "HOME")) {
		env[n++] = joined("HOME=", 5, home);
		env[n] = NULL;
	}
	return env;
}

/* Does not return but when no such program can be started; then the error. */
static int execute(char *const *args, char *const *env)
{
	const char *path = find_env(env, "PATH");
	int error = -ENOENT;

	if (strchr(args[0], '/'))
		return sys_execve(args[0], args, env);
	while (path && *path) {
		size_t length = strcspn(path, ":");
		char *directory = joined(path, length, length ? "/" : "./");
		char *program = directory ? joined(directory, strlen(directory), args[0]) : NULL;
		int got = program ? sys_execve(program, args, env) : -ENOENT;

		if (got != -ENOENT)
			error = got;
		path += length + (path[length] == ':');
	}
	return error;
}

/* The child: become the user, go to the directory, be the application. */
static void become(const struct config *config)
{
	static struct account account;
	size_t size;
	char *passwd = read_all("/etc/passwd", &size), *group = read_all("/etc/group", &size);
	char number[24];
	const char *wrong = NULL, *who = config->user;
	char **env;
	int error;

	sys_setsid();
	sys_control_terminal(0);
	set_limits(config);
	if (!who && config->has_uid)
		who = decimal(number, (long)config->uid);
	if (!who || !*who)
		who = "0";
	wrong = account_find(&account, who, passwd ? passwd : "", group ? group : "");
	if (wrong) {
		say("the user ", who, ": ", wrong, NULL);
		sys_exit(125);
	}
	if (config->has_gid && !config->user) {
		account.gid = config->gid;
		if (account.group_count > 0)
			account.groups[0] = config->gid;
	}
	if (account.uid != 0 || account.gid != 0) {
		if (sys_setgroups(account.gid, account.groups, account.group_count > 16 ? 16 : account.group_count) ||
		    sys_setgid(account.gid) || sys_setuid(account.uid)) {
			say("cannot become the user ", who, NULL);
			sys_exit(125);
		}
	}
	if (sys_chdir(config->workdir && *config->workdir ? config->workdir : "/") != 0) {
		say("cannot go to the directory ", config->workdir, NULL);
		sys_exit(125);
	}
	env = complete_env(config, account.home);
	error = env ? execute(config->args, env) : -1;
	say("cannot run ", config->args[0], ": error ", decimal(number, -error), NULL);
	sys_exit(error == -ENOENT ? 127 : 126);
}

int run_app(const struct config *config)
{
	int child = sys_fork(), status = 0, ended;

	if (child == 0)
		become(config);
	if (child < 0) {
		say("cannot start a process", NULL);
		return 125;
	}
	/* Process 1 is the parent of every orphan. */
	do
		ended = sys_wait(&status);
	while (ended > 0 && ended != child);
	if (ended < 0)
		return 125;
	return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}
