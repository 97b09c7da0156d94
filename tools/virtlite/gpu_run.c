// SPDX-License-Identifier: GPL-2.0
/* virtlite gpu run: a program of Documentation/vgpu-asm.rst on a slice, over VFIO. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/vgpu_asm.h"
#include "../lib/vgpu_dev.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "gpu.h"

#define RING_ORDER	13	/* more than VL_VGPU_COMMANDS, and a fence */
#define MEMORY		0x10000000ULL

enum { OPT_SLICE = 256, OPT_QUEUE, OPT_TIMEOUT };

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f) {
		vl_error(errno, "%s", path);
		return NULL;
	}
	if (getdelim(&text, &size, 0, f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

static __u8 *at(struct vl_vgpu *d, __u8 *mem, const struct vl_vgpu_program *p,
		const struct vl_vgpu_data *data)
{
	const struct vl_vgpu_buffer *b = &p->buffers[data->buffer];

	return (b->vram ? d->vram : mem) + b->offset + data->offset;
}

static void show(const struct vl_vgpu_program *p, const struct vl_vgpu_data *s, const __u8 *bytes)
{
	size_t i;

	printf("%s+%llu:", p->buffers[s->buffer].name, (unsigned long long)s->offset);
	for (i = 0; i < s->len; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

/* What must be there, is it? */
static int check(struct vl_vgpu *d, __u8 *mem, const struct vl_vgpu_program *p, const char *file)
{
	const struct vl_vgpu_data *e;

	for (e = p->expect; e; e = e->next) {
		const __u8 *is = at(d, mem, p, e);

		if (!memcmp(is, e->bytes, e->len))
			continue;
		show(p, e, is);
		return vl_error(0, "%s:%u: not as expected", file, e->line);
	}
	return 0;
}

static int execute(struct vl_vgpu *d, const struct vl_vgpu_program *p, __u8 *mem, __u32 queue,
		   int timeout, const char *file)
{
	const struct vl_vgpu_data *data;
	unsigned int i;
	__u32 error, line;
	int ret;

	if (queue >= d->queues)
		return vl_error(0, "the slice has %u queues", d->queues);
	if (p->vram_bytes > d->vram_bytes)
		return vl_error(0, "the slice has %llu bytes of VRAM, the program wants %llu",
				(unsigned long long)d->vram_bytes,
				(unsigned long long)p->vram_bytes);
	for (data = p->put; data; data = data->next)
		memcpy(at(d, mem, p, data), data->bytes, data->len);
	ret = vl_vgpu_start(d, queue, RING_ORDER);
	if (ret)
		return ret;
	for (i = 0; i < p->nr_cmds; i++)
		vl_vgpu_submit(d, queue, &p->cmds[i]);
	ret = vl_vgpu_finish(d, queue, timeout);
	error = vl_vgpu_read(d, VGPU_QUEUE(queue) + VGPU_Q_ERROR);
	if (ret == -EIO && error) {
		i = vl_vgpu_read(d, VGPU_QUEUE(queue) + VGPU_Q_GET);
		line = i < p->nr_cmds ? p->lines[i] : 0;
		return vl_error(0, "%s:%u: %s", file, line, vl_vgpu_error_name(error));
	}
	if (ret)
		return vl_error(-ret, "%s", file);
	for (data = p->show; data; data = data->next)
		show(p, data, at(d, mem, p, data));
	return check(d, mem, p, file);
}

static int run(const char *file, const char *uuid, __u32 queue, int timeout)
{
	struct vl_vgpu_program *p = calloc(1, sizeof(*p));
	char *text = read_text(file);
	__u8 *mem = NULL;
	struct vl_vgpu d;
	int ret;

	if (!p || !text) {
		free(p);
		free(text);
		return -ENOMEM;
	}
	ret = vl_vgpu_assemble(p, text, file, MEMORY, 0);
	free(text);
	if (ret) {
		free(p);
		return ret;
	}
	ret = vl_vgpu_dev_open(&d, uuid, 0);
	if (!ret) {
		d.next = MEMORY;
		if (p->memory_bytes) {
			__u64 iova;

			mem = vl_vgpu_alloc(&d, p->memory_bytes, &iova);
			ret = mem ? 0 : -ENOMEM;
		}
		ret = ret ?: execute(&d, p, mem, queue, timeout, file);
		vl_vgpu_dev_close(&d);
		if (mem)
			munmap(mem, p->memory_bytes);
	}
	vl_vgpu_program_free(p);
	free(p);
	return ret;
}

int do_gpu_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "slice", required_argument, NULL, OPT_SLICE },
		{ "queue", required_argument, NULL, OPT_QUEUE },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{},
	};
	__u64 timeout = 10000000000ULL;
	const char *uuid = NULL;
	__u32 queue = 0;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		if (opt == OPT_SLICE)
			uuid = optarg;
		else if (opt == OPT_QUEUE && !gpu_parse_number(optarg, &queue))
			return cmd_error("--queue %s: not a number", optarg);
		else if (opt == OPT_TIMEOUT && !gpu_parse_time(optarg, &timeout))
			return cmd_error("--timeout %s: not a time (500ms, 2s)", optarg);
	}
	if (optind + 1 != argc)
		return cmd_error("gpu run: which program?");
	if (!uuid)
		return cmd_error("gpu run: --slice is missing");
	return run(argv[optind], uuid, queue, timeout / 1000000) ? gpu_failed() : 0;
}
