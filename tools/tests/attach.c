// SPDX-License-Identifier: GPL-2.0
/*
 * attach PROGRAM... -- COMMAND [ARGUMENT]...: COMMAND with pinned BPF programs attached
 * to the functions that they were loaded for, which Debian 12's bpftool does not do.
 * Its exit status is COMMAND's.
 */
#include <err.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* The link lasts as long as its descriptor. */
static void attach(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };
	int prog = bpf(BPF_OBJ_GET, &attr);

	if (prog < 0)
		err(125, "%s", path);
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = prog;
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0)
		err(125, "%s: attach", path);
}

int main(int argc, char **argv)
{
	int i, status;
	pid_t pid;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		attach(argv[i]);
	if (i + 1 >= argc)
		errx(125, "no command");
	pid = fork();
	if (pid < 0)
		err(125, "fork");
	if (!pid) {
		execvp(argv[i + 1], argv + i + 1);
		err(127, "%s", argv[i + 1]);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(125, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
