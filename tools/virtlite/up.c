// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite up, virtlite down: a described set of switches, disks, GPUs and guests.
 *
 * What up has made is recorded in a file of the set's name below /run/virtlite. One up or
 * down runs at a time: it holds a lock on that folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cmd.h"
#include "up.h"

enum {
	OPT_STATE = 256,
	OPT_CHECK,
	OPT_FORCE,
};

const char *up_state = UP_STATE;

static volatile sig_atomic_t interrupted;
static json_object *steps;
static unsigned int counts[STACK_KEPT + 1];

/* ------------------------------------------------------------ the record */

static void record_path(const char *name, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s%s", up_state, name, suffix);
}

/* Return: 0, also if there is none. */
static int load_record(const char *name, struct stack *record)
{
	char path[PATH_MAX];
	json_object *root;
	int ret;

	*record = (struct stack){};
	record_path(name, ".json", path);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	root = stack_read(path);
	if (!root)
		return -EINVAL;
	ret = stack_from_json(root, record);
	json_object_put(root);
	return ret ? vl_error(0, "%s, which says what is up: %s", path, vl_message()) : 0;
}

static int save_record(const struct stack *record)
{
	char path[PATH_MAX], temp[PATH_MAX];
	json_object *root;
	int ret, fd;

	record_path(record->name, ".json", path);
	if (!record->nr)
		return !unlink(path) || errno == ENOENT ? 0 : vl_error(errno, "%s", path);
	record_path(record->name, ".json.new", temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return vl_error(errno, "%s", temp);
	root = stack_to_json(record);
	ret = json_object_to_fd(fd, root, JSON_C_TO_STRING_PRETTY);
	json_object_put(root);
	if (close(fd) || ret || rename(temp, path)) {
		ret = vl_error(errno, "%s", path);
		unlink(temp);
		return ret;
	}
	return 0;
}

/* ---------------------------------------------------- what is said of it */

static void tell(const struct stack_object *o, enum stack_done done, const char *text)
{
	static const char *const words[] = {
		"failed", "unchanged", "made", "removed", "gone", "kept",
	};
	const char *kind = o ? stack_kind_name(o->kind) : "the record";
	const char *name = o ? o->name : "";
	bool good = done != STACK_NOTHING && done != STACK_KEPT;
	char where[PATH_MAX] = "";
	json_object *step;

	counts[done]++;
	if (o && good)
		up_where(o, where, sizeof(where));
	if (text)
		fprintf(stderr, "virtlite: %s %s: %s\n", kind, name, text);
	if (!json_output) {
		if (good)
			printf("%-9s %-6s %-20s %s\n", words[done], kind, name, where);
		fflush(stdout);
		return;
	}
	step = json_object_new_object();
	json_object_object_add(step, "kind", json_object_new_string(kind));
	json_object_object_add(step, "name", json_object_new_string(name));
	json_object_object_add(step, "done", json_object_new_string(words[done]));
	if (*where)
		json_object_object_add(step, "where", json_object_new_string(where));
	if (text)
		json_object_object_add(step, "text", json_object_new_string(text));
	json_object_array_add(steps, step);
}

static void conclude(const char *name, enum stack_status status, const char *what, bool changed)
{
	static const char *const words[] = { "ok", "failed", "?", "left" };
	json_object *o;

	if (json_output) {
		o = json_object_new_object();
		json_object_object_add(o, "name", json_object_new_string(name));
		json_object_object_add(o, "result", json_object_new_string(words[status]));
		json_object_object_add(o, "changed", json_object_new_boolean(changed));
		json_object_object_add(o, "steps", steps);
		steps = NULL;
		cmd_print_json(o);
	} else if (status == STACK_OK) {
		printf("%s is %s: ", name, what);
		if (changed)
			printf("%u made, %u removed, %u unchanged\n", counts[STACK_MADE],
			       counts[STACK_REMOVED], counts[STACK_UNCHANGED]);
		else
			printf("nothing to do\n");
	}
	if (status == STACK_FAILED)
		fprintf(stderr, "virtlite: %s: not done, and what had been done is undone\n", name);
	if (status == STACK_LEFT)
		fprintf(stderr, "virtlite: %s: something is left: virtlite down removes it when "
			"it is no longer in use\n",
			name);
}

/* ----------------------------------------------------------- both verbs */

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static bool stopped(void)
{
	return interrupted;
}

/* Between one object and the next; calls that wait end with EINTR. */
static void take_signals(void)
{
	struct sigaction sa = { .sa_handler = interrupt };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

/* Return: a descriptor that holds the lock. */
static int lock_state(void)
{
	int fd;

	if (mkdir(up_state, 0755) && errno != EEXIST)
		return vl_error(errno, "%s", up_state);
	fd = open(up_state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vl_error(errno, "%s", up_state);
	if (flock(fd, LOCK_EX)) {
		close(fd);
		return vl_error(errno, "%s: waiting for another up or down", up_state);
	}
	return fd;
}

static const struct stack_ops *all_ops(void)
{
	static struct stack_ops ops[STACK_NR_KINDS];

	ops[STACK_SWITCH] = up_switch;
	ops[STACK_PORT] = up_port;
	ops[STACK_DISK] = up_disk;
	ops[STACK_GPU] = up_gpu;
	ops[STACK_SLICE] = up_slice;
	ops[STACK_GUEST] = up_guest;
	return ops;
}

static int failed(void)
{
	fprintf(stderr, "virtlite: %s\n", vl_message());
	return EXIT_FAILURE;
}

/* The file's name without folder and ".json". */
static void name_of(const char *path, char name[STACK_NAME_MAX + 1])
{
	const char *base = strrchr(path, '/');
	size_t len;

	base = base ? base + 1 : path;
	len = strlen(base);
	if (len > 5 && !strcmp(base + len - 5, ".json"))
		len -= 5;
	snprintf(name, STACK_NAME_MAX + 1, "%.*s", (int)len, base);
}

/* Reads and checks the whole description. Exit status; the plan is to be freed. */
static int read_plan(const char *path, struct stack *plan)
{
	json_object *root = stack_read(path);
	char name[STACK_NAME_MAX + 1];
	int ret = 0;

	*plan = (struct stack){};
	name_of(path, name);
	if (!root)
		return cmd_error("%s", vl_message());
	if (stack_parse(root, name, plan))
		ret = cmd_error("%s: %s", path, vl_message());
	for (size_t i = 0; !ret && i < plan->nr; i++)
		ret = up_check(plan, &plan->objects[i], path);
	json_object_put(root);
	return ret;
}

static int one_file(int argc, char **argv, const struct option *options, unsigned int *given)
{
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		if (opt == OPT_STATE)
			up_state = optarg;
		else
			*given |= 1U << (opt - OPT_STATE);
	}
	if (argc - optind != 1)
		return cmd_error("%s: which file?", argv[0]);
	return 0;
}

int do_up(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, OPT_STATE },
		{ "check", no_argument, NULL, OPT_CHECK },
		{},
	};
	const struct stack_env env = { all_ops(), save_record, tell, stopped };
	enum stack_status status = STACK_FAILED;
	struct stack plan, record;
	unsigned int given = 0;
	int ret, lock;

	ret = one_file(argc, argv, options, &given);
	if (ret)
		return ret;
	ret = read_plan(argv[optind], &plan);
	if (ret || given) {
		if (!ret && !json_output)
			printf("%s: %zu objects\n", plan.name, plan.nr);
		stack_free(&plan);
		return ret;
	}
	lock = lock_state();
	if (lock < 0 || load_record(plan.name, &record)) {
		stack_free(&plan);
		return failed();
	}
	take_signals();
	steps = json_object_new_array();
	status = stack_up(&plan, &record, &env);
	conclude(plan.name, status, "up", counts[STACK_MADE]);
	json_object_put(steps);
	stack_free(&record);
	stack_free(&plan);
	close(lock);
	return status;
}

/* Of a file that is there its own; else the argument is the name. Exit status. */
static int name_to_take_down(const char *path, char name[STACK_NAME_MAX + 1])
{
	json_object *root;
	const char *own;

	name_of(path, name);
	if (strcmp(path, "-") && access(path, F_OK) && !strchr(path, '/'))
		return stack_name_ok(name) ? 0 : cmd_error("down: \"%s\" is no name", path);
	root = stack_read(path);
	if (!root)
		return cmd_error("%s", vl_message());
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return cmd_error("%s: it holds no JSON object", path);
	}
	own = stack_text(root, "name") ?: name;
	if (!stack_name_ok(own)) {
		json_object_put(root);
		return cmd_error("%s: its name is none", path);
	}
	memmove(name, own, strlen(own) + 1);
	json_object_put(root);
	return 0;
}

int do_down(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, OPT_STATE },
		{ "force", no_argument, NULL, OPT_FORCE },
		{},
	};
	const struct stack_env env = { all_ops(), save_record, tell, stopped };
	char name[STACK_NAME_MAX + 1];
	enum stack_status status;
	unsigned int given = 0;
	struct stack record;
	bool changed;
	int ret, lock;

	ret = one_file(argc, argv, options, &given);
	if (!ret)
		ret = name_to_take_down(argv[optind], name);
	if (ret)
		return ret;
	lock = lock_state();
	if (lock < 0 || load_record(name, &record))
		return failed();
	take_signals();
	steps = json_object_new_array();
	changed = record.nr;
	status = stack_down(&record, given, &env);
	conclude(name, status, "down", changed);
	json_object_put(steps);
	stack_free(&record);
	close(lock);
	return status;
}
