/*
 * hutch's init for Linux guests: process 1 from the kernel's start to the machine's end.
 *
 * It is installed as /urunit, because urunc hands its configuration only to an init of that name. With
 * urunc, the kernel's environment says where that configuration is (URUNIT_CONFIG) and the arguments
 * are the application's. Without (plain QEMU), the image's own configuration applies, which the build
 * left in /.hutch/init.conf.
 */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "environment.h"

#define IMAGE_CONFIG "/.hutch/init.conf"
#define INITRD "/sys/firmware/initrd" /* where urunc leaves the configuration */
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A configuration from a file; `known` as for config_parse. False, and a word, when there is none. */
static bool load_config(struct config *out, const char *path, char *const *known)
{
	size_t size;
	char *data = read_file(path, &size); /* kept: the configuration points into it */
	const char *wrong;

	if (!data) {
		say("cannot read %s: %s%s", path, strerror(errno),
		    strcmp(path, INITRD) == 0 && errno == ENOENT
			    ? " (Linux has it since 6.8, a kernel that hutch builds always)"
			    : "");
		return false;
	}
	wrong = config_parse(out, data, size, known);
	if (wrong)
		say("%s is not a configuration: %s", path, wrong);
	return !wrong;
}

/*
 * The application's arguments, NULL when there are none. The kernel command line has them unharmed;
 * argv tells whether it is the one they came from (an initramfs may have started us). Where it says
 * what urunc makes of the image's own arguments, `image`, those it is, down to the last blank: also of
 * a urunc that gives no configuration, which nothing else tells from a person.
 */
static char **app_args(char **argv, char **image, bool from_urunc)
{
	char *text = read_file("/proc/cmdline", NULL);
	size_t count = 0;
	bool known = text && image && image[0] && args_match(image, text);
	char **words = text ? args_of_cmdline(text, &count) : NULL;
	char **joined;

	if (!words || !args_from(text, words, argv)) {
		words = argv;
		for (count = 0; words[count]; count++)
			;
	} else if (known) {
		return image;
	}
	joined = args_join(words, count, from_urunc ? ARGS_URUNC : ARGS_BY_HAND, &count);
	return joined && count > 0 ? joined : NULL;
}

/* The application's environment: the configuration's, and PATH and what the kernel was told. */
static char **app_env(const struct config *config, char **kernel, bool from_urunc)
{
	char *cmdline = read_file("/proc/cmdline", NULL);
	char *none[] = {NULL};
	size_t count;
	/* By hand on QEMU's command line, FOO=bar is meant for the application. */
	char **env = environment_restore(config->env, from_urunc ? none : kernel, cmdline, &count);

	if (!env)
		return kernel;
	if (!find_env(env, "PATH")) {
		env[count++] = DEFAULT_PATH; /* there is room for it, and for HOME */
		env[count] = NULL;
	}
	free(cmdline);
	return env;
}

static bool power_off; /* the image's monitor would start a machine anew that reboots */

/* End the machine. Where that is not ours to do (a container, a shell), end the process. */
static void finish(int status)
{
	char *port = getenv("HUTCH_DEBUG_EXIT");
	struct stat acpi;

	/* The stable form that tests and scripts look for on the console. */
	say("exit status %d", status);
	if (!is_machine())
		_exit(status);
	sync();
	unmount_all();
	if (port) {
		/* QEMU's isa-debug-exit ends it with (status << 1) | 1. */
		int ports = open("/dev/port", O_WRONLY);
		unsigned char byte = (unsigned char)status;

		if (pwrite(ports, &byte, 1, (off_t)strtoul(port, NULL, 0)) != 1)
			say("cannot write to port %s: %s", port, strerror(errno));
	}
	if (power_off || getenv("URUNIT_POWEROFF"))
		reboot(RB_POWER_OFF);
	/* Without ACPI there is no reset register, and a microvm has no keyboard controller either:
	 * a triple fault ends it at once. */
	if (stat("/sys/firmware/acpi", &acpi) != 0)
		write_file("/sys/kernel/reboot/type", "triple");
	reboot(RB_AUTOBOOT);
	_exit(status);
}

int main(int argc, char **argv, char **environ)
{
	struct config config = {0}, image = {0};
	const char *where = getenv("URUNIT_CONFIG");
	struct launch launch = {.config = &config};
	struct stat st;

	(void)argc;
	mount_system();
	/* A configuration that was promised and is broken ends here: to run the application as root
	 * with half an environment would be worse. */
	if (stat(IMAGE_CONFIG, &st) == 0 && !load_config(&image, IMAGE_CONFIG, NULL))
		finish(125);
	power_off = image.power_off;
	if (where && !load_config(&config, where, image.env))
		finish(125);
	if (!where)
		config = image;
	if (is_machine()) {
		keep_disk_current();
		set_kernel_defaults();
		net_up(&image);
		name_machine(&image, where ? &config : NULL);
		if (getenv("URUNIT_DEFROUTE"))
			net_default_route();
		mount_volumes(config.volumes, config.volume_count);
	} else {
		say("this is a microVM's image, run here as a container, without its kernel; urunc "
		    "starts it as a virtual machine: docker run --runtime io.containerd.urunc.v2");
	}
	launch.args = app_args(argv + 1, image.args, where != NULL);
	if (!launch.args && config.arg_count > 0)
		launch.args = config.args;
	launch.env = app_env(&config, environ, where != NULL);
	if (!launch.args) {
		say("there is nothing to run: the image has no command, and none was given");
		finish(125);
	}
	finish(run_app(&launch));
}
