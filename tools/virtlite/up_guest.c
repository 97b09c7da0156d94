// SPDX-License-Identifier: GPL-2.0
/*
 * Guests, as up starts them: each a process of its own, without a terminal. It holds a lock
 * on a file as long as it lives, which tells whether it runs, and as what process, whoever
 * started it has died or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../vmm/vmm.h"
#include "cmd.h"
#include "up.h"
#include "vm.h"

/* How long a guest may take to go, in steps of STEP_MS. */
#define STEP_MS		20
#define TERM_STEPS	1000
#define KILL_STEPS	500

/* A disk of the set by its device, anything else as it is. */
static int disk_word(struct stack_words *w, const struct stack *s, const char *text)
{
	int len = strcspn(text, ",");
	char name[STACK_NAME_MAX + 1];
	struct stack_object *disk;

	if (strchr(text, '/'))
		return stack_word(w, "%s", text);
	snprintf(name, sizeof(name), "%.*s", len, text);
	disk = s ? stack_find(s, STACK_DISK, name) : NULL;
	if (s && (!disk || !disk->place))
		return vl_error(ENODEV, "disk %s", name);
	return stack_word(w, "/dev/vblk%s%s", disk ? disk->place : "N", text + len);
}

static int nic_word(struct stack_words *w, json_object *nic)
{
	char text[512] = "";
	size_t len = 0;

	json_object_object_foreach(nic, key, v) {
		len += snprintf(text + len, sizeof(text) - len, "%s%s=%s", len ? "," : "", key,
				json_object_get_string(v));
		if (len >= sizeof(text))
			return vl_error(E2BIG, "a nic");
	}
	return stack_word(w, "%s", text);
}

/* @s: where the disks are, or NULL to see whether the words make sense. */
static int guest_words(struct stack_words *w, const struct stack *s, const struct stack_object *o,
		       const char *name)
{
	json_object *disks = json_object_object_get(o->said, "disks");
	json_object *nics = json_object_object_get(o->said, "nics");
	size_t n = disks ? json_object_array_length(disks) : 0;
	int ret = stack_word(w, "%s", name) ?: stack_options(w, o, "--");

	for (size_t i = 0; !ret && i < n; i++)
		ret = stack_word(w, "--disk") ?:
		      disk_word(w, s, json_object_get_string(json_object_array_get_idx(disks, i)));
	n = nics ? json_object_array_length(nics) : 0;
	for (size_t i = 0; !ret && i < n; i++)
		ret = stack_word(w, "--nic") ?: nic_word(w, json_object_array_get_idx(nics, i));
	return ret;
}

/**
 * up_check_guest() - do a guest's options make sense?
 * @o: guest
 * @name: what messages begin with
 *
 * Return: exit status.
 */
int up_check_guest(const struct stack_object *o, char *name)
{
	struct stack_words w = {};
	struct vmm_config cfg;
	int ret = guest_words(&w, NULL, o, name) ? cmd_error("%s", vl_message()) :
		  vm_parse(w.argc, w.argv, &cfg);

	stack_words_free(&w);
	return ret;
}

static int guest_choose(struct stack *s, struct stack_object *o)
{
	if (asprintf(&o->place, "%s/%s-%s.lock", up_state, s->name, o->name) >= 0)
		return 0;
	o->place = NULL;
	return vl_error(ENOMEM, "%s", o->name);
}

/**
 * up_guest_pid() - the process that a guest is
 * @lock: its lock file
 *
 * Return: its number, 0 if it does not run, or -errno with a message.
 */
int up_guest_pid(const char *lock)
{
	struct flock l = { .l_type = F_WRLCK };
	int fd = open(lock, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : vl_error(errno, "%s", lock);
	ret = fcntl(fd, F_GETLK, &l) ? vl_error(errno, "%s", lock) : 0;
	close(fd);
	return ret ? ret : l.l_type == F_UNLCK ? 0 : l.l_pid;
}

static int guest_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	int pid = up_guest_pid(o->place);

	(void)s;
	if (pid > 0)
		*identity = pid;
	return pid > 0 ? 1 : pid;
}

/* Where the guest's console and the monitor's messages go. */
static void log_path(const struct stack_object *o, char path[PATH_MAX])
{
	const char *own = stack_text(o->said, "log");

	if (own)
		snprintf(path, PATH_MAX, "%s", own);
	else
		snprintf(path, PATH_MAX, "%.*slog", (int)strlen(o->place) - 4, o->place);
}

/* The process of the guest; does not return. */
static void guest_main(const struct stack_object *o, struct vmm_config *cfg, int log, int ready)
{
	struct flock l = { .l_type = F_WRLCK };
	int null = open("/dev/null", O_RDONLY), lock;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	/* What is the caller's, its lock among it, is not ours to keep. */
	dup2(ready, 3);
	close_range(4, ~0U, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	lock = open(o->place, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || fcntl(lock, F_SETLK, &l)) {
		fprintf(stderr, "virtlite: %s: %s\n", o->place, strerror(errno));
		_exit(VMM_FAILED);
	}
	cfg->ready = 3;
	_exit(vmm_run(cfg));
}

/* What the process said when it could not start. */
static int said(const char *path, off_t from)
{
	FILE *f = fopen(path, "re");
	char line[256] = "", *text = line;

	while (f && !fseeko(f, from, SEEK_SET) && fgets(line, sizeof(line), f)) {
		from += strlen(line);
		if (!strncmp(line, "virtlite: ", 10))
			break;
	}
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "virtlite: ", 10))
		text += 10;
	return vl_error(0, "%s", *text ? text : "it did not start, and did not say why");
}

static void doze(void)
{
	const struct timespec pause = { .tv_nsec = STEP_MS * 1000000L };

	nanosleep(&pause, NULL);
	/* Those that are this process's own children. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int wait_gone(const char *lock, int steps)
{
	int pid;

	while ((pid = up_guest_pid(lock)) > 0 && steps-- > 0)
		doze();
	return pid;
}

static int guest_unmake(struct stack *s, struct stack_object *o, bool force)
{
	char log[PATH_MAX];
	int pid = up_guest_pid(o->place);

	(void)s;
	(void)force;
	if (pid > 0 && !kill(pid, SIGTERM))
		pid = wait_gone(o->place, TERM_STEPS);
	if (pid > 0 && !kill(pid, SIGKILL))
		pid = wait_gone(o->place, KILL_STEPS);
	if (pid < 0)
		return pid;
	if (pid)
		return vl_error(ETIMEDOUT, "process %d does not go", pid);
	unlink(o->place);
	if (!stack_text(o->said, "log")) {
		log_path(o, log);
		unlink(log);
	}
	return 0;
}

/* Return: 0 when the guest runs. */
static int start(struct stack *s, struct stack_object *o, struct vmm_config *cfg)
{
	char path[PATH_MAX], byte;
	int ready[2], log, ret;
	struct stat st;
	pid_t pid;

	log_path(o, path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0 || fstat(log, &st))
		return vl_error(errno, "%s", path);
	if (pipe2(ready, O_CLOEXEC)) {
		ret = vl_error(errno, "pipe");
		close(log);
		return ret;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		guest_main(o, cfg, log, ready[1]);
	ret = pid < 0 ? vl_error(errno, "fork") : 0;
	close(log);
	close(ready[1]);
	if (!ret) {
		ssize_t n = read(ready[0], &byte, 1);

		if (n != 1) {
			/* Interrupted, or it has ended. */
			kill(pid, SIGTERM);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			ret = n ? vl_error(EINTR, "interrupted") : said(path, st.st_size);
			guest_unmake(s, o, true);
		}
	}
	close(ready[0]);
	return ret;
}

static int guest_make(struct stack *s, struct stack_object *o)
{
	struct stack_words w = {};
	struct vmm_config cfg;
	int ret = guest_words(&w, s, o, "run");

	if (!ret && vm_parse(w.argc, w.argv, &cfg))
		ret = vl_error(0, "its options make no sense");
	if (!ret)
		ret = start(s, o, &cfg);
	stack_words_free(&w);
	return ret;
}

const struct stack_ops up_guest = { guest_choose, guest_find, guest_make, guest_unmake };
