/*
 * hutch's init for NetBSD and FreeBSD guests: process 1 from the kernel's start to the machine's end.
 *
 * It is installed as /urunit for FreeBSD, which urunc names in init_path, and as /sbin/init for
 * NetBSD, which starts that by itself.
 */
#include "bsd.h"

#include <string.h>

#define IMAGE_CONFIG "/.hutch/init.conf"

static void open_console(void)
{
	int file = sys_open("/dev/console", 2);

	for (int n = 0; n < 3 && file >= 0; n++)
		if (file != n)
			sys_dup2(file, n);
	if (file > 2)
		sys_close(file);
}

/* The end of the machine: NetBSD and FreeBSD reset it, and a monitor takes that for the end. */
static void finish(int status) __attribute__((noreturn));
static void finish(int status)
{
	char number[24];

	/* The application had the console for its terminal, and with its end the kernel took it from all
	 * who had it open. */
	open_console();
	/* The stable form that tests and scripts look for on the console. */
	say("exit status ", decimal(number, status), NULL);
	sys_sync();
	unmount_volumes();
	sys_reboot();
}

static bool load(struct config *out, const char *path, char *const *known)
{
	size_t size;
	char *data = read_all(path, &size);
	const char *wrong;

	if (!data) {
		say("cannot read ", path, NULL);
		return false;
	}
	wrong = config_parse(out, data, size, known);
	if (wrong)
		say(path, " is not a configuration: ", wrong, NULL);
	return !wrong;
}

/*
 * The runtime's configuration: false when there is one, and it is broken. `known` are the variables that
 * the image has.
 */
static bool load_runtime(struct config *out, int *disk, char *const *known)
{
	char path[256];

	*disk = -1;
	if (sys_variable("URUNIT_CONFIG", path, sizeof(path))) {
		for (unsigned n = 0; n < 16; n++) {
			char other[40];

			if (sys_disk(n, other, sizeof(other)) && strcmp(other, path) == 0)
				*disk = (int)n;
		}
		return load(out, path, known);
	}
	*disk = find_config_disk();
	if (*disk < 0)
		return true;
	return sys_disk((unsigned)*disk, path, sizeof(path)) && load(out, path, known);
}

void start(void) __attribute__((noreturn, used));
void start(void)
{
	static struct config config, image;
	char value[8];
	int disk, file;

	sys_prepare();
	open_console();
	/* A configuration that is there and broken ends here: to run the application as root with half
	 * an environment would be worse. */
	file = sys_open(IMAGE_CONFIG, 0);
	if (file >= 0) {
		sys_close(file);
		if (!load(&image, IMAGE_CONFIG, NULL))
			finish(125);
	}
	if (!load_runtime(&config, &disk, image.env))
		finish(125);
	config_complete(&config, &image);
	if (config.hostname && *config.hostname)
		sys_sethostname(config.hostname, strlen(config.hostname));
	network_up(&config, sys_variable("URUNIT_DEFROUTE", value, sizeof(value)));
	name_servers(&config);
	name_hosts();
	mount_volumes(&config, disk);
	if (config.arg_count == 0) {
		say("there is nothing to run: the image has no command, and none was given", NULL);
		finish(125);
	}
	finish(run_app(&config));
}
