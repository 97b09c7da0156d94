// SPDX-License-Identifier: GPL-2.0
/* virtlite gpu log, virtlite gpu top: who had which engine when, and how much of it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/vgpu.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "gpu.h"

#define TURNS	4096
#define WIDTH	1200		/* of the picture */
#define ROW	24

enum { OPT_SVG = 256, OPT_INTERVAL, OPT_COUNT };

static const char * const reasons[] = {
	"done", "quantum", "wait", "fault", "hang", "revoked", "stopped", NULL
};

/* Told apart by people who do not see all colours: Okabe and Ito's, twice. */
static const char * const colours[] = {
	"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999",
};

static int row_of(const struct vgpu_turn *t)
{
	return t->engine * VGPU_MAX_SLICES + t->slice;
}

/* One row for each slice on each engine; time goes to the right. */
static void draw(const struct vgpu_turn *turns, __u32 n)
{
	__u64 from = turns[0].start, to = turns[0].end;
	int rows[8 * VGPU_MAX_SLICES], nr = 0;
	__u32 i;
	int r;

	memset(rows, -1, sizeof(rows));
	for (i = 0; i < n; i++) {
		if (turns[i].start < from)
			from = turns[i].start;
		if (turns[i].end > to)
			to = turns[i].end;
		rows[row_of(&turns[i])] = 0;
	}
	for (r = 0; r < 8 * VGPU_MAX_SLICES; r++)
		if (!rows[r])
			rows[r] = nr++;
	if (to == from)
		to++;
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	       "font-family=\"sans-serif\" font-size=\"12\">\n", WIDTH + 140, (nr + 1) * ROW);
	printf("<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
	for (r = 0; r < 8 * VGPU_MAX_SLICES; r++)
		if (rows[r] >= 0)
			printf("<text x=\"4\" y=\"%d\">engine %d slice %d</text>\n",
			       rows[r] * ROW + 16, r / VGPU_MAX_SLICES, r % VGPU_MAX_SLICES);
	for (i = 0; i < n; i++) {
		const struct vgpu_turn *t = &turns[i];

		printf("<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\">"
		       "<title>%llu ns, %llu units, %s</title></rect>\n",
		       130 + (double)(t->start - from) * WIDTH / (to - from),
		       rows[row_of(t)] * ROW + 2,
		       (double)(t->end - t->start) * WIDTH / (to - from), ROW - 4,
		       colours[t->slice % 8], (unsigned long long)(t->end - t->start),
		       (unsigned long long)t->units, gpu_name_of(reasons, t->reason));
	}
	printf("<text x=\"130\" y=\"%d\">%.3f ms from left to right</text>\n</svg>\n",
	       nr * ROW + 16, (to - from) / 1e6);
}

static void print_turns(const struct vgpu_turn *turns, __u32 n)
{
	json_object *list = json_output ? json_object_new_array() : NULL;
	__u32 i;

	for (i = 0; i < n; i++) {
		const struct vgpu_turn *t = &turns[i];
		json_object *o;

		if (!list) {
			printf("%16llu %10llu ns %10llu units  engine %u slice %-2d %s\n",
			       (unsigned long long)t->start,
			       (unsigned long long)(t->end - t->start),
			       (unsigned long long)t->units, t->engine, t->slice,
			       gpu_name_of(reasons, t->reason));
			continue;
		}
		o = json_object_new_object();
		json_object_object_add(o, "start", json_object_new_uint64(t->start));
		json_object_object_add(o, "end", json_object_new_uint64(t->end));
		json_object_object_add(o, "units", json_object_new_uint64(t->units));
		json_object_object_add(o, "engine", json_object_new_int(t->engine));
		json_object_object_add(o, "slice", json_object_new_int(t->slice));
		json_object_object_add(o, "seq", json_object_new_uint64(t->slice_seq));
		json_object_object_add(o, "reason", json_object_new_string
				       (gpu_name_of(reasons, t->reason)));
		json_object_array_add(list, o);
	}
	if (list)
		cmd_print_json(list);
}

int do_gpu_log(int argc, char **argv)
{
	static const struct option options[] = { { "svg", no_argument, NULL, OPT_SVG }, {} };
	struct vgpu_turn *turns;
	bool svg = false;
	__u32 n = TURNS;
	__u64 from = 0;
	int opt, id, ret, fd;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_SVG)
			return EXIT_USAGE;
		svg = true;
	}
	ret = gpu_take(argc, argv, "log", &id);
	if (!ret && optind < argc)
		ret = cmd_error("gpu log: unexpected \"%s\"", argv[optind]);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	turns = calloc(TURNS, sizeof(*turns));
	ret = turns ? vl_vgpu_log(fd, id, turns, &n, &from) : vl_error(ENOMEM, "log");
	close(fd);
	if (!ret && svg && !n)
		ret = vl_error(ENODATA, "no turn has been taken yet");
	if (!ret && svg)
		draw(turns, n);
	else if (!ret)
		print_turns(turns, n);
	free(turns);
	return ret ? gpu_failed() : 0;
}

/* One line for each slice: of the time since the last look. */
static int look(int fd, int id, struct vgpu_stats *last, bool first)
{
	struct vgpu_slice s;
	struct vgpu_stats st;
	int ret, n;

	if (!first)
		printf("%s%5s %7s %7s %10s %9s %9s %7s %12s\n", isatty(1) ? "\033[H\033[J" : "",
		       "SLICE", "BUSY%", "WAIT%", "COMMANDS/s", "TURNS/s", "PREEMPT/s", "FAULTS",
		       "DEBT us");
	for (n = 0; !(ret = vl_vgpu_slice(fd, id, n, VGPU_QUERY_NEXT, &s)); n = s.slice + 1) {
		struct vgpu_stats *l = &last[s.slice];
		double dt;

		if (vl_vgpu_stats(fd, id, s.slice, -1, &st))
			continue;
		if (l->seq != st.seq)
			*l = st;
		dt = st.now > l->now ? st.now - l->now : 1;
		if (!first)
			printf("%5d %7.2f %7.2f %10.0f %9.0f %9.0f %7llu %12lld\n", s.slice,
			       (st.busy - l->busy) / dt * 100, (st.wait - l->wait) / dt * 100,
			       (st.commands - l->commands) / dt * 1e9,
			       (st.turns - l->turns) / dt * 1e9,
			       (st.preemptions - l->preemptions) / dt * 1e9,
			       (unsigned long long)st.faults, (long long)st.debt / 1000);
		*l = st;
	}
	fflush(stdout);
	return ret == -ENOENT ? 0 : ret;
}

int do_gpu_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, OPT_INTERVAL },
		{ "count", required_argument, NULL, OPT_COUNT },
		{},
	};
	static struct vgpu_stats last[VGPU_MAX_SLICES];
	__u64 interval = 1000000000;
	struct vgpu_query q;
	__u32 count = 0, i;
	struct timespec t;
	int opt, id, ret, fd;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		if (opt == OPT_INTERVAL && (!gpu_parse_time(optarg, &interval) || !interval))
			return cmd_error("--interval %s: not a time (500ms, 2s)", optarg);
		if (opt == OPT_COUNT && !gpu_parse_number(optarg, &count))
			return cmd_error("--count %s: not a number", optarg);
	}
	ret = gpu_take(argc, argv, "top", &id);
	if (!ret && optind < argc)
		ret = cmd_error("gpu top: unexpected \"%s\"", argv[optind]);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return gpu_failed();
	t = (struct timespec){ .tv_sec = interval / 1000000000, .tv_nsec = interval % 1000000000 };
	ret = look(fd, id, last, true);
	for (i = 0; !ret && (!count || i < count); i++) {
		nanosleep(&t, NULL);
		ret = vl_vgpu_query(fd, id, 0, &q) ?: look(fd, id, last, false);
	}
	close(fd);
	return ret ? gpu_failed() : 0;
}
