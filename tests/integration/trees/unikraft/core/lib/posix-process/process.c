/* The lines that hutch's patch is for. */

#if CONFIG_LIBPOSIX_PROCESS_PIDS
#include <uk/bitmap.h>
#include <uk/list.h>
#include <uk/alloc.h>
#include <uk/sched.h>

UK_LLSYSCALL_R_DEFINE(int, exit_group, int, status)
{
	uk_posix_process_kill(uk_thread_current()); /* won't return */
	UK_CRASH("sys_exit_group() unexpectedly returned\n");
	return -EFAULT;
