// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite gpu run: a program of Documentation/vgpu-asm.rst on a slice, over VFIO, or
 * inside a guest over vgpu_guest.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/vgpu_asm.h"
#include "../lib/vgpu_dev.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "gpu.h"

#define RING_ORDER	13	/* more than VL_VGPU_COMMANDS, and a fence */
#define MEMORY		0x10000000ULL
#define GUEST		"/dev/vgpu_guest0"

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

/* A program, and the memory that its buffers have. */
struct job {
	const char *file;
	struct vl_vgpu_program p;
	struct vl_vgpu d;
	__u8 *memory;
	__u8 *vram;
	__u64 vram_offset;
};

static __u8 *at(struct job *j, const struct vl_vgpu_data *data)
{
	const struct vl_vgpu_buffer *b = &j->p.buffers[data->buffer];

	return (b->vram ? j->vram - j->vram_offset : j->memory) + b->offset + data->offset;
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
static int check(struct job *j)
{
	const struct vl_vgpu_data *e;

	for (e = j->p.expect; e; e = e->next) {
		const __u8 *is = at(j, e);

		if (!memcmp(is, e->bytes, e->len))
			continue;
		show(&j->p, e, is);
		return vl_error(0, "%s:%u: not as expected", j->file, e->line);
	}
	return 0;
}

static int execute(struct job *j, __u32 queue, int timeout)
{
	const struct vl_vgpu_data *data;
	const struct vl_vgpu_program *p = &j->p;
	__u64 failed;
	unsigned int i;
	__u32 error;
	int ret;

	if (queue >= j->d.queues)
		return vl_error(0, "the slice has %u queues", j->d.queues);
	for (data = p->put; data; data = data->next)
		memcpy(at(j, data), data->bytes, data->len);
	ret = vl_vgpu_start(&j->d, queue, RING_ORDER);
	if (ret)
		return ret;
	for (i = 0; i < p->nr_cmds; i++)
		vl_vgpu_submit(&j->d, queue, &p->cmds[i]);
	ret = vl_vgpu_finish(&j->d, queue, timeout);
	error = vl_vgpu_error(&j->d, queue, &failed);
	if (ret == -EIO && error)
		return vl_error(0, "%s:%u: %s", j->file, failed < p->nr_cmds ? p->lines[failed] : 0,
				vl_vgpu_error_name(error));
	if (ret)
		return vl_error(-ret, "%s", j->file);
	for (data = p->show; data; data = data->next)
		show(p, data, at(j, data));
	return check(j);
}

/* The addresses are known only when there is memory; then the text is read again. */
static int get_memory(struct job *j, const char *text)
{
	__u64 address = MEMORY;

	j->d.next = MEMORY;
	if (j->p.memory_bytes) {
		j->memory = vl_vgpu_alloc(&j->d, j->p.memory_bytes, &address);
		if (!j->memory)
			return -ENOMEM;
	}
	if (j->p.vram_bytes) {
		j->vram = vl_vgpu_vram(&j->d, j->p.vram_bytes, &j->vram_offset);
		if (!j->vram)
			return -ENOMEM;
	}
	vl_vgpu_program_free(&j->p);
	return vl_vgpu_assemble(&j->p, text, j->file, address, j->vram_offset);
}

static int run_text(struct job *j, const char *text, const char *slice, __u32 queue, int timeout)
{
	size_t bytes;
	int ret;

	ret = vl_vgpu_assemble(&j->p, text, j->file, MEMORY, 0);
	if (ret)
		return ret;
	bytes = j->p.memory_bytes;
	ret = vl_vgpu_dev_open(&j->d, slice, 0);
	if (!ret) {
		ret = get_memory(j, text) ?: execute(j, queue, timeout);
		vl_vgpu_dev_close(&j->d);
		if (j->memory)
			munmap(j->memory, bytes);
	}
	vl_vgpu_program_free(&j->p);
	return ret;
}

static int run(const char *file, const char *slice, __u32 queue, int timeout)
{
	struct job *j = calloc(1, sizeof(*j));
	char *text = read_text(file);
	int ret = -ENOMEM;

	if (j && text) {
		j->file = file;
		ret = run_text(j, text, slice, queue, timeout);
	}
	free(text);
	free(j);
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
	const char *slice = NULL;
	__u32 queue = 0;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return EXIT_USAGE;
		if (opt == OPT_SLICE)
			slice = optarg;
		else if (opt == OPT_QUEUE && !gpu_parse_number(optarg, &queue))
			return cmd_error("--queue %s: not a number", optarg);
		else if (opt == OPT_TIMEOUT && !gpu_parse_time(optarg, &timeout))
			return cmd_error("--timeout %s: not a time (500ms, 2s)", optarg);
	}
	if (optind + 1 != argc)
		return cmd_error("gpu run: which program?");
	/* A guest has one, mostly. */
	if (!slice && !access(GUEST, F_OK))
		slice = GUEST;
	if (!slice)
		return cmd_error("gpu run: --slice is missing");
	return run(argv[optind], slice, queue, timeout / 1000000) ? gpu_failed() : 0;
}
