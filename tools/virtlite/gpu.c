// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite gpu: GPUs that are sliced.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/vgpu.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "gpu.h"

enum {
	OPT_VRAM = 256,
	OPT_ENGINES,
	OPT_POLICY,
	OPT_CLOCK,
	OPT_QUANTUM,
	OPT_PREEMPT_TIMEOUT,
	OPT_JOB_TIMEOUT,
	OPT_ID,
	OPT_PAUSED,
	OPT_RESUME,
	OPT_FORCE,
	OPT_TEST_COMMANDS,
};

/* In the order of their numbers. */
static const char * const policies[] = { "best-effort", "equal", "fixed", "priority", NULL };
static const char * const clocks[] = { "real", "virtual", NULL };
static const char * const personalities[] = { "compute", "display", NULL };

static int do_gpu_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite gpu create --vram SIZE [--engines N] [--policy POLICY]\n"
	       "                           [--clock real|virtual] [--quantum TIME]\n"
	       "                           [--preempt-timeout TIME] [--job-timeout TIME]\n"
	       "                           [--id N] [--paused] [--test-commands]\n"
	       "       virtlite gpu delete GPU [--force]\n"
	       "       virtlite gpu list\n"
	       "       virtlite gpu types GPU\n"
	       "       virtlite gpu set GPU [--policy POLICY] [--quantum TIME]\n"
	       "                           [--preempt-timeout TIME] [--job-timeout TIME]\n"
	       "                           [--paused | --resume]\n"
	       "       virtlite gpu slice add GPU TYPE [--uuid UUID]\n"
	       "       virtlite gpu slice del UUID\n"
	       "       virtlite gpu slice set GPU SLICE [--weight N] [--share N] [--priority N]\n"
	       "                           [--personality compute|display]\n"
	       "                           [--display region|dmabuf] [--mode WxH]\n"
	       "                           [--carveout SIZE] [--doorbell-limit N]\n"
	       "                           [--irq-limit N] [--fault-limit N]\n"
	       "       virtlite gpu stats GPU\n"
	       "       virtlite gpu top GPU [--interval TIME] [--count N]\n"
	       "       virtlite gpu log GPU [--svg]\n"
	       "       virtlite gpu run FILE [--slice UUID|NODE] [--queue N] [--timeout TIME]\n"
	       "\n"
	       "GPU := N | vgpuN; SIZE := bytes, or with k, M, G; TIME := N with ns, us, ms, s;\n"
	       "POLICY := best-effort | equal | fixed | priority; TYPE := 1of16 | 1of8 | 1of4 |\n"
	       "1of2 | 1of1.\n"
	       "create prints the new GPU. list has the slices, too.\n");
	return 0;
}

int gpu_failed(void)
{
	fprintf(stderr, "virtlite: %s\n", vl_message());
	return EXIT_FAILURE;
}

const char *gpu_name_of(const char * const *names, __u32 nr)
{
	while (*names && nr) {
		names++;
		nr--;
	}
	return *names ? *names : "?";
}

/* A row of units ends with a factor of 0. */
struct unit {
	const char *name;
	__u64 factor;
};

/* Return: false if it is no number with one of the units. */
static bool parse_units(const char *s, const struct unit *u, __u64 *value)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*value = strtoull(s, &end, 10);
	if (errno)
		return false;
	while (u->factor && strcmp(u->name, end))
		u++;
	return u->factor && !__builtin_mul_overflow(*value, u->factor, value);
}

bool gpu_parse_size(const char *s, __u64 *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 }, {},
	};

	return parse_units(s, units, bytes);
}

bool gpu_parse_time(const char *s, __u64 *ns)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, {},
	};

	return parse_units(s, units, ns);
}

bool gpu_parse_number(const char *s, __u32 *n)
{
	static const struct unit none[] = { { "", 1 }, {} };
	__u64 v;

	if (!parse_units(s, none, &v) || v > 0x7fffffff)
		return false;
	*n = v;
	return true;
}

bool gpu_parse_name(const char *s, const char * const *names, __u32 *n)
{
	for (*n = 0; names[*n]; ++*n)
		if (!strcmp(names[*n], s))
			return true;
	return false;
}

static int create_option(struct vgpu_create *c, int opt, const char *name)
{
	__u64 bytes = 0, ns = 0;
	__u32 n = 0;

	switch (opt) {
	case OPT_VRAM:
		if (!gpu_parse_size(optarg, &bytes))
			return cmd_error("--%s %s: not a size (64M, 1G)", name, optarg);
		c->vram = bytes;
		return 0;
	case OPT_ENGINES:
	case OPT_ID:
		if (!gpu_parse_number(optarg, &n))
			return cmd_error("--%s %s: not a number", name, optarg);
		if (opt == OPT_ID)
			c->id = n;
		else
			c->engines = n;
		return 0;
	case OPT_POLICY:
	case OPT_CLOCK:
		if (!gpu_parse_name(optarg, opt == OPT_POLICY ? policies : clocks, &n))
			return cmd_error("--%s %s: there is no such %s", name, optarg, name);
		if (opt == OPT_POLICY)
			c->policy = n;
		else
			c->clock = n;
		return 0;
	case OPT_PAUSED:
		c->paused = 1;
		return 0;
	case OPT_TEST_COMMANDS:
		c->flags |= VGPU_CREATE_TESTS;
		return 0;
	default:
		if (!gpu_parse_time(optarg, &ns))
			return cmd_error("--%s %s: not a time (500us, 1ms, 2s)", name, optarg);
		if (opt == OPT_QUANTUM)
			c->quantum = ns;
		else if (opt == OPT_PREEMPT_TIMEOUT)
			c->preempt_timeout = ns;
		else
			c->job_timeout = ns;
		return 0;
	}
}

/**
 * gpu_parse_create() - read the words that say what GPU is to be made
 * @argc: words
 * @argv: words, the verb first
 * @create: filled in
 *
 * Return: 0 or EXIT_USAGE.
 */
int gpu_parse_create(int argc, char **argv, struct vgpu_create *create)
{
	static const struct option options[] = {
		{ "vram", required_argument, NULL, OPT_VRAM },
		{ "engines", required_argument, NULL, OPT_ENGINES },
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "clock", required_argument, NULL, OPT_CLOCK },
		{ "quantum", required_argument, NULL, OPT_QUANTUM },
		{ "preempt-timeout", required_argument, NULL, OPT_PREEMPT_TIMEOUT },
		{ "job-timeout", required_argument, NULL, OPT_JOB_TIMEOUT },
		{ "id", required_argument, NULL, OPT_ID },
		{ "paused", no_argument, NULL, OPT_PAUSED },
		{ "test-commands", no_argument, NULL, OPT_TEST_COMMANDS },
		{},
	};
	struct vgpu_create c = { .id = -1 };
	int opt, index, ret;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		ret = create_option(&c, opt, options[index].name);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return cmd_error("gpu create: unexpected \"%s\"", argv[optind]);
	if (!c.vram)
		return cmd_error("gpu create: --vram is missing");
	*create = c;
	return 0;
}

static int do_create(int argc, char **argv)
{
	struct vgpu_create c;
	int fd, ret;

	ret = gpu_parse_create(argc, argv, &c);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	ret = vl_vgpu_create(fd, &c);
	close(fd);
	if (ret)
		return gpu_failed();
	if (json_output) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "id", json_object_new_int(c.id));
		cmd_print_json(o);
	} else {
		printf("vgpu%d\n", c.id);
	}
	return 0;
}

/**
 * gpu_take() - the next word names a GPU
 * @argc: words
 * @argv: words; optind is the next one's place, and moves on
 * @verb: for messages
 * @id: set to its number
 *
 * Return: 0 or EXIT_USAGE.
 */
int gpu_take(int argc, char **argv, const char *verb, int *id)
{
	const char *s;
	__u32 n;

	if (optind >= argc)
		return cmd_error("gpu %s: which GPU?", verb);
	s = argv[optind];
	if (!gpu_parse_number(strncmp(s, "vgpu", 4) ? s : s + 4, &n))
		return cmd_error("gpu %s: \"%s\" is no GPU (0, vgpu0)", verb, s);
	optind++;
	*id = n;
	return 0;
}

/* The one word that names the GPU. */
static int take_gpu(int argc, char **argv, const char *verb, int *id)
{
	int ret = gpu_take(argc, argv, verb, id);

	if (!ret && optind < argc)
		ret = cmd_error("gpu %s: unexpected \"%s\"", verb, argv[optind]);
	return ret;
}

static int do_delete(int argc, char **argv)
{
	static const struct option options[] = { { "force", no_argument, NULL, OPT_FORCE }, {} };
	__u32 flags = 0;
	int opt, id, ret, fd;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_FORCE)
			return EXIT_USAGE;
		flags = VGPU_DELETE_FORCE;
	}
	ret = take_gpu(argc, argv, "delete", &id);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	ret = vl_vgpu_delete(fd, id, flags);
	close(fd);
	return ret ? gpu_failed() : 0;
}

static int set_option(struct vgpu_set *s, int opt, const char *name)
{
	__u64 ns = 0;

	switch (opt) {
	case OPT_POLICY:
		if (!gpu_parse_name(optarg, policies, &s->policy))
			return cmd_error("--%s %s: there is no such %s", name, optarg, name);
		s->flags |= VGPU_SET_POLICY;
		return 0;
	case OPT_PAUSED:
	case OPT_RESUME:
		s->paused = opt == OPT_PAUSED;
		s->flags |= VGPU_SET_PAUSED;
		return 0;
	}
	if (!gpu_parse_time(optarg, &ns))
		return cmd_error("--%s %s: not a time (500us, 1ms, 2s)", name, optarg);
	if (opt == OPT_QUANTUM) {
		s->quantum = ns;
		s->flags |= VGPU_SET_QUANTUM;
	} else if (opt == OPT_PREEMPT_TIMEOUT) {
		s->preempt_timeout = ns;
		s->flags |= VGPU_SET_PREEMPT_TIMEOUT;
	} else {
		s->job_timeout = ns;
		s->flags |= VGPU_SET_JOB_TIMEOUT;
	}
	return 0;
}

static int do_set(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "quantum", required_argument, NULL, OPT_QUANTUM },
		{ "preempt-timeout", required_argument, NULL, OPT_PREEMPT_TIMEOUT },
		{ "job-timeout", required_argument, NULL, OPT_JOB_TIMEOUT },
		{ "paused", no_argument, NULL, OPT_PAUSED },
		{ "resume", no_argument, NULL, OPT_RESUME },
		{},
	};
	struct vgpu_set s = {};
	int opt, index, ret, fd, id;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		ret = set_option(&s, opt, options[index].name);
		if (ret)
			return ret;
	}
	ret = take_gpu(argc, argv, "set", &id);
	if (ret)
		return ret;
	if (!s.flags)
		return cmd_error("gpu set: set what?");
	s.id = id;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	ret = vl_vgpu_set(fd, &s);
	close(fd);
	return ret ? gpu_failed() : 0;
}

static void add_u64(json_object *o, const char *name, __u64 value)
{
	json_object_object_add(o, name, json_object_new_uint64(value));
}

static void uuid_text(const __u8 *uuid, char text[37])
{
	for (unsigned int i = 0; i < 16; i++)
		text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				uuid[i]);
}

static json_object *slice_json(const struct vgpu_slice *s)
{
	json_object *o = json_object_new_object();
	char uuid[37];

	uuid_text(s->uuid, uuid);
	json_object_object_add(o, "slice", json_object_new_int(s->slice));
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	json_object_object_add(o, "personality", json_object_new_string
			       (gpu_name_of(personalities, s->personality)));
	json_object_object_add(o, "open", json_object_new_boolean(s->state & VGPU_SLICE_OPEN));
	add_u64(o, "seq", s->seq);
	add_u64(o, "units", s->units);
	add_u64(o, "vram", s->vram);
	add_u64(o, "vram_used", s->vram_used);
	add_u64(o, "weight", s->weight);
	add_u64(o, "share", s->share);
	add_u64(o, "priority", s->priority);
	json_object_object_add(o, "pid", json_object_new_int(s->pid));
	return o;
}

static json_object *gpu_json(const struct vgpu_query *q)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_int(q->id));
	json_object_object_add(o, "policy",
			       json_object_new_string(gpu_name_of(policies, q->policy)));
	json_object_object_add(o, "clock", json_object_new_string(gpu_name_of(clocks, q->clock)));
	json_object_object_add(o, "paused", json_object_new_boolean(q->paused));
	add_u64(o, "engines", q->engines);
	add_u64(o, "vram", q->vram);
	add_u64(o, "vram_used", q->vram_used);
	add_u64(o, "free_units", q->free_units);
	add_u64(o, "quantum", q->quantum);
	add_u64(o, "preempt_timeout", q->preempt_timeout);
	add_u64(o, "job_timeout", q->job_timeout);
	add_u64(o, "busy", q->busy);
	add_u64(o, "units", q->units);
	add_u64(o, "dispatches", q->dispatches);
	return o;
}

static json_object *list_slices(int fd, int id)
{
	json_object *list = json_object_new_array();
	struct vgpu_slice s;
	char uuid[37];

	for (int n = 0; !vl_vgpu_slice(fd, id, n, VGPU_QUERY_NEXT, &s); n = s.slice + 1) {
		json_object_array_add(list, slice_json(&s));
		if (json_output)
			continue;
		uuid_text(s.uuid, uuid);
		printf("  %-5d %-36s %2u/%u %-8s %8u %6d\n", s.slice, uuid, s.units, VGPU_UNITS,
		       gpu_name_of(personalities, s.personality), s.weight, s.pid);
	}
	return list;
}

static int do_list(int argc, char **argv)
{
	json_object *list;
	struct vgpu_query q;
	int fd, ret;

	if (argc > 1)
		return cmd_error("gpu list: unexpected \"%s\"", argv[1]);
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	list = json_object_new_array();
	for (int id = 0; !(ret = vl_vgpu_query(fd, id, VGPU_QUERY_NEXT, &q)); id = q.id + 1) {
		json_object *o = gpu_json(&q);

		if (!json_output)
			printf("vgpu%d: %llu MiB, %u engines, %s, %u of %u free\n", q.id,
			       (unsigned long long)q.vram >> 20, q.engines,
			       gpu_name_of(policies, q.policy), q.free_units, VGPU_UNITS);
		json_object_object_add(o, "slices", list_slices(fd, q.id));
		json_object_array_add(list, o);
	}
	close(fd);
	if (json_output && ret == -ENOENT)
		cmd_print_json(list);
	else
		json_object_put(list);
	return ret == -ENOENT ? 0 : gpu_failed();
}

static json_object *stats_json(const struct vgpu_stats *s)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "slice", json_object_new_int(s->slice));
	add_u64(o, "seq", s->seq);
	add_u64(o, "busy", s->busy);
	add_u64(o, "units", s->units);
	add_u64(o, "wait", s->wait);
	add_u64(o, "commands", s->commands);
	add_u64(o, "turns", s->turns);
	add_u64(o, "preemptions", s->preemptions);
	add_u64(o, "overruns", s->overruns);
	add_u64(o, "revoked", s->revoked);
	add_u64(o, "faults", s->faults);
	add_u64(o, "hangs", s->hangs);
	json_object_object_add(o, "debt", json_object_new_int64(s->debt));
	add_u64(o, "resets", s->resets);
	add_u64(o, "doorbells", s->doorbells);
	add_u64(o, "irqs", s->irqs);
	add_u64(o, "doorbell_storms", s->doorbell_storms);
	add_u64(o, "irq_storms", s->irq_storms);
	add_u64(o, "fault_storms", s->fault_storms);
	return o;
}

static int do_stats(int argc, char **argv)
{
	static const struct option none[] = { {} };
	json_object *list;
	struct vgpu_slice s;
	struct vgpu_stats st;
	int id, fd, ret;

	optind = 0;
	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return EXIT_USAGE;
	ret = take_gpu(argc, argv, "stats", &id);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	list = json_object_new_array();
	if (!json_output)
		printf("%5s %12s %14s %12s %10s %10s %7s %6s\n", "SLICE", "BUSY us", "UNITS",
		       "WAIT us", "COMMANDS", "TURNS", "FAULTS", "HANGS");
	for (int n = 0; !(ret = vl_vgpu_slice(fd, id, n, VGPU_QUERY_NEXT, &s)); n = s.slice + 1) {
		/* It may have gone meanwhile. */
		if (vl_vgpu_stats(fd, id, s.slice, -1, &st))
			continue;
		json_object_array_add(list, stats_json(&st));
		if (!json_output)
			printf("%5d %12llu %14llu %12llu %10llu %10llu %7llu %6llu\n", s.slice,
			       (unsigned long long)st.busy / 1000, (unsigned long long)st.units,
			       (unsigned long long)st.wait / 1000,
			       (unsigned long long)st.commands, (unsigned long long)st.turns,
			       (unsigned long long)st.faults, (unsigned long long)st.hangs);
	}
	close(fd);
	if (json_output && ret == -ENOENT)
		cmd_print_json(list);
	else
		json_object_put(list);
	return ret == -ENOENT ? 0 : gpu_failed();
}

static const struct cmd verbs[] = {
	{ "create", do_create },
	{ "delete", do_delete },
	{ "list", do_list },
	{ "types", do_gpu_types },
	{ "set", do_set },
	{ "slice", do_gpu_slice },
	{ "stats", do_stats },
	{ "top", do_gpu_top },
	{ "log", do_gpu_log },
	{ "run", do_gpu_run },
	{ "help", do_gpu_help },
	{ NULL, NULL },
};

int do_gpu(int argc, char **argv)
{
	return cmd_select(verbs, argc - 1, argv + 1, do_gpu_help, "gpu verb");
}
