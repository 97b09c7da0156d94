// SPDX-License-Identifier: GPL-2.0
/*
 * Switches, ports, disks, GPUs and slices, as up makes them: by the same functions as the
 * verbs of the command line, which also read the options.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/vgpu.h"
#include "../lib/virtlite.h"
#include "cmd.h"
#include "disk_online.h"
#include "gpu.h"
#include "switch.h"
#include "up.h"

static int set_place(struct stack_object *o, const char *text)
{
	o->place = strdup(text);
	return o->place ? 0 : vl_error(ENOMEM, "%s", o->name);
}

static int set_number(struct stack_object *o, unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return set_place(o, text);
}

/* The switch of a port, the GPU of a slice. */
static struct stack_object *parent_of(const struct stack *s, const struct stack_object *o)
{
	enum stack_kind kind = o->kind == STACK_PORT ? STACK_SWITCH : STACK_GPU;
	char name[STACK_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(o->name, "/"), o->name);
	return stack_find(s, kind, name);
}

static const char *own_name(const struct stack_object *o)
{
	return strchr(o->name, '/') + 1;
}

/* What the kernel has it as: alive as long as it, and never used again. */
static int inode_of(const char *path, uint64_t *identity)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? 0 : vl_error(errno, "%s", path);
	*identity = st.st_ino;
	return 1;
}

/* --------------------------------------------------------------- switches */

static int switch_words(const struct stack_object *o, struct stack_words *w)
{
	return stack_word(w, "%s", o->name) ?: stack_options(w, o, "");
}

static int parse_switch_object(const struct stack_object *o, struct vswitch_switch *s)
{
	struct stack_words w = {};
	int ret = switch_words(o, &w);

	if (!ret)
		ret = parse_new_switch(&(struct words){ w.argc, w.argv }, s);
	stack_words_free(&w);
	return ret;
}

static int switch_choose(struct stack *s, struct stack_object *o)
{
	(void)s;
	return set_place(o, o->name);
}

static int switch_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	int index = vl_switch_index(o->place);

	(void)s;
	if (index < 0)
		return 0;
	*identity = index;
	return 1;
}

static int switch_make(struct stack *s, struct stack_object *o)
{
	struct vswitch_switch new;
	int fd, ret;

	(void)s;
	if (parse_switch_object(o, &new))
		return vl_error(0, "its options make no sense");
	fd = vl_switch_open();
	if (fd < 0)
		return fd;
	ret = call(fd, VSWITCH_CREATE, &new, "add");
	close(fd);
	return ret;
}

/* Ports of the set have gone before: what is there belongs to somebody. */
static int foreign_port(int fd, unsigned int index)
{
	unsigned int *ids;
	int n = vl_switch_list(fd, index, &ids), ret = 0;

	for (int i = 0; !ret && i < n; i++) {
		struct vswitch_port p = { .head = head_of(vswitch_port, index), .port = ids[i] };

		if (ids[i] && !call(fd, VSWITCH_GET_PORT, &p, "port"))
			ret = vl_error(EBUSY, "up did not make its port %u (%s): delete that "
				       "first, or down --force",
				       p.port, p.name);
	}
	if (n >= 0)
		free(ids);
	return n < 0 ? n : ret;
}

static int switch_unmake(struct stack *s, struct stack_object *o, bool force)
{
	int index = vl_switch_index(o->place), fd, ret;
	struct vswitch_delete d;

	(void)s;
	if (index < 0)
		return index;
	fd = vl_switch_open();
	if (fd < 0)
		return fd;
	d = (struct vswitch_delete){ .head = head_of(vswitch_delete, index) };
	ret = force ? 0 : foreign_port(fd, index);
	if (!ret)
		ret = call(fd, VSWITCH_DELETE, &d, "del");
	close(fd);
	return ret;
}

const struct stack_ops up_switch = { switch_choose, switch_find, switch_make, switch_unmake };

/* ------------------------------------------------------------------ ports */

static int parse_port_object(const struct stack_object *o, struct port_request *r)
{
	struct stack_words w = {};
	int ret = stack_word(&w, "%s", stack_text(o->said, "kind")) ?:
		  stack_word(&w, "%s", own_name(o)) ?: stack_options(&w, o, "");

	if (!ret)
		ret = parse_new_port(&(struct words){ w.argc, w.argv }, r);
	stack_words_free(&w);
	return ret;
}

/* Opens the device and finds the port's switch. */
static int port_switch(struct stack *s, struct stack_object *o, unsigned int *index)
{
	struct stack_object *sw = parent_of(s, o);
	int n, fd;

	if (!sw || !sw->place)
		return vl_error(ENODEV, "its switch");
	n = vl_switch_index(sw->place);
	if (n < 0)
		return n;
	*index = n;
	fd = vl_switch_open();
	return fd;
}

static int port_choose(struct stack *s, struct stack_object *o)
{
	unsigned int index, *ids, port = 0;
	int fd = port_switch(s, o, &index), n, i;

	if (fd < 0)
		return fd;
	n = vl_switch_list(fd, index, &ids);
	close(fd);
	if (n < 0)
		return n;
	do {
		port++;
		for (i = 0; i < n && ids[i] != port; i++)
			;
	} while (i < n);
	free(ids);
	return set_number(o, port);
}

/*
 * By its number: its name is its owner's to change. One of another kind is another's; a
 * vNIC that somebody put in its place is taken for the one that was there.
 */
static int port_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	unsigned int index;
	struct vswitch_port p;
	int fd = port_switch(s, o, &index), ret;

	if (fd == -ENODEV)
		return 0;
	if (fd < 0)
		return fd;
	p = (struct vswitch_port){ .head = head_of(vswitch_port, index), .port = atoi(o->place) };
	ret = call(fd, VSWITCH_GET_PORT, &p, "port");
	close(fd);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	*identity = p.kind;
	return 1;
}

static int port_make(struct stack *s, struct stack_object *o)
{
	unsigned int index;
	int fd = port_switch(s, o, &index), ret;
	struct port_request r;

	if (fd < 0)
		return fd;
	r = new_request(index);
	ret = parse_port_object(o, &r) ? vl_error(0, "its options make no sense") : 0;
	r.port.port = atoi(o->place);
	if (!ret)
		ret = add_port(fd, &r);
	if (r.port.netns_fd >= 0)
		close(r.port.netns_fd);
	close(fd);
	return ret;
}

static int port_unmake(struct stack *s, struct stack_object *o, bool force)
{
	struct vswitch_port_id id = { .head = { .size = sizeof(id) }, .port = atoi(o->place) };
	int fd = port_switch(s, o, &id.head.ifindex), ret;

	(void)force;
	if (fd < 0)
		return fd;
	ret = call(fd, VSWITCH_DEL_PORT, &id, "port del");
	close(fd);
	return ret;
}

const struct stack_ops up_port = { port_choose, port_find, port_make, port_unmake };

/* ------------------------------------------------------------------ disks */

static int disk_words(const struct stack_object *o, struct stack_words *w)
{
	return stack_word(w, "%s", cmd_context ? cmd_context : "attach") ?:
	       stack_options(w, o, "--");
}

/* The lowest number that is free, or the one that the description asks for. */
static int choose_number(struct stack_object *o, int fd, int (*taken)(int fd, unsigned int n))
{
	json_object *id = json_object_object_get(o->said, "id");
	unsigned int n = 0;

	if (id) {
		n = json_object_get_int(id);
	} else {
		while (taken(fd, n))
			n++;
	}
	close(fd);
	return set_number(o, n);
}

static int disk_taken(int fd, unsigned int n)
{
	struct vblk_query q;

	return !vl_vblk_query(fd, n, 0, &q);
}

static int disk_choose(struct stack *s, struct stack_object *o)
{
	int fd = vl_vblk_open();

	(void)s;
	return fd < 0 ? fd : choose_number(o, fd, disk_taken);
}

static int disk_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	char path[64];

	(void)s;
	snprintf(path, sizeof(path), "/sys/block/vblk%s", o->place);
	return inode_of(path, identity);
}

static int disk_make_object(struct stack *s, struct stack_object *o)
{
	struct stack_words w = {};
	struct disk_request r;
	int ret = disk_words(o, &w);

	(void)s;
	if (!ret && disk_parse(w.argc, w.argv, &r))
		ret = vl_error(0, "its options make no sense");
	if (!ret) {
		r.attach.id = atoi(o->place);
		ret = disk_make(&r);
	}
	stack_words_free(&w);
	return ret;
}

static int disk_unmake(struct stack *s, struct stack_object *o, bool force)
{
	int fd = vl_vblk_open(), ret;

	(void)s;
	if (fd < 0)
		return fd;
	ret = vl_vblk_detach(fd, atoi(o->place), force ? VBLK_DETACH_FORCE : 0);
	close(fd);
	return ret;
}

const struct stack_ops up_disk = { disk_choose, disk_find, disk_make_object, disk_unmake };

/* ------------------------------------------------------------------- GPUs */

static int gpu_taken(int fd, unsigned int n)
{
	struct vgpu_query q;

	return !vl_vgpu_query(fd, n, 0, &q);
}

static int gpu_choose(struct stack *s, struct stack_object *o)
{
	int fd = vl_vgpu_open();

	(void)s;
	return fd < 0 ? fd : choose_number(o, fd, gpu_taken);
}

static int gpu_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	char path[64];

	(void)s;
	snprintf(path, sizeof(path), "/sys/class/vgpu/vgpu%s", o->place);
	return inode_of(path, identity);
}

static int gpu_make(struct stack *s, struct stack_object *o)
{
	struct stack_words w = {};
	struct vgpu_create c;
	int ret = disk_words(o, &w), fd;

	(void)s;
	if (!ret && gpu_parse_create(w.argc, w.argv, &c))
		ret = vl_error(0, "its options make no sense");
	stack_words_free(&w);
	if (ret)
		return ret;
	fd = vl_vgpu_open();
	if (fd < 0)
		return fd;
	c.id = atoi(o->place);
	ret = vl_vgpu_create(fd, &c);
	close(fd);
	return ret;
}

static int gpu_unmake(struct stack *s, struct stack_object *o, bool force)
{
	int fd = vl_vgpu_open(), ret;

	(void)s;
	if (fd < 0)
		return fd;
	ret = vl_vgpu_delete(fd, atoi(o->place), force ? VGPU_DELETE_FORCE : 0);
	close(fd);
	return ret;
}

const struct stack_ops up_gpu = { gpu_choose, gpu_find, gpu_make, gpu_unmake };

/* ----------------------------------------------------------------- slices */

static bool uuid_bytes(const char *text, unsigned char bytes[16])
{
	unsigned int n = 0, v;

	while (n < 16 && sscanf(text, "%2x", &v) == 1) {
		bytes[n++] = v;
		text += 2 + (n == 4 || n == 6 || n == 8 || n == 10);
	}
	return n == 16 && !*text;
}

static bool uuid_ok(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; text[i] && form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	return !text[i] && !form[i];
}

static int slice_choose(struct stack *s, struct stack_object *o)
{
	const char *uuid = stack_text(o->said, "uuid");
	char text[40];
	int ret = 0;

	(void)s;
	if (!uuid)
		ret = gpu_random_uuid(text, sizeof(text));
	return ret ? ret : set_place(o, uuid ? uuid : text);
}

static int slice_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	char path[96];

	(void)s;
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", o->place);
	return inode_of(path, identity);
}

/* The options are set by the number that the slice has got. */
static int slice_set(int id, const char *uuid, struct vgpu_slice_set *set)
{
	unsigned char bytes[16];
	struct vgpu_slice q;
	int fd, ret;

	if (!set->flags)
		return 0;
	fd = vl_vgpu_open();
	if (fd < 0)
		return fd;
	if (!uuid_bytes(uuid, bytes)) {
		close(fd);
		return vl_error(EINVAL, "UUID %s", uuid);
	}
	for (int n = 0; !(ret = vl_vgpu_slice(fd, id, n, VGPU_QUERY_NEXT, &q)); n = q.slice + 1)
		if (!memcmp(q.uuid, bytes, 16))
			break;
	if (!ret) {
		set->id = id;
		set->slice = q.slice;
		ret = vl_vgpu_slice_set(fd, set);
	}
	close(fd);
	return ret;
}

static int slice_make(struct stack *s, struct stack_object *o)
{
	struct stack_object *gpu = parent_of(s, o);
	struct stack_words w = {};
	struct vgpu_slice_set set;
	int ret;

	if (!gpu || !gpu->place)
		return vl_error(ENODEV, "its GPU");
	ret = disk_words(o, &w);
	if (!ret && gpu_parse_slice_set(w.argc, w.argv, &set))
		ret = vl_error(0, "its options make no sense");
	stack_words_free(&w);
	if (!ret)
		ret = gpu_slice_make(atoi(gpu->place), stack_text(o->said, "type"), o->place);
	if (ret)
		return ret;
	ret = slice_set(atoi(gpu->place), o->place, &set);
	if (ret) {
		char why[256];

		snprintf(why, sizeof(why), "%s", vl_message());
		gpu_slice_remove(o->place);
		vl_error(0, "%s", why);
	}
	return ret;
}

static int slice_unmake(struct stack *s, struct stack_object *o, bool force)
{
	(void)s;
	(void)force;
	return gpu_slice_remove(o->place);
}

const struct stack_ops up_slice = { slice_choose, slice_find, slice_make, slice_unmake };

/* ------------------------------------------------- before anything is made */

static int check_words(const struct stack_object *o, char *name)
{
	struct vswitch_switch sw;
	struct vgpu_slice_set set;
	struct port_request port;
	struct vgpu_create gpu;
	struct disk_request disk;
	struct stack_words w = {};
	const char *uuid;
	int ret;

	switch (o->kind) {
	case STACK_SWITCH:
		return parse_switch_object(o, &sw);
	case STACK_PORT:
		port = new_request(0);
		ret = parse_port_object(o, &port);
		if (port.port.netns_fd >= 0)
			close(port.port.netns_fd);
		return ret;
	case STACK_GUEST:
		return up_check_guest(o, name);
	default:
		break;
	}
	ret = disk_words(o, &w) ? EXIT_FAILURE : 0;
	if (!ret && o->kind == STACK_DISK)
		ret = disk_parse(w.argc, w.argv, &disk);
	else if (!ret && o->kind == STACK_GPU)
		ret = gpu_parse_create(w.argc, w.argv, &gpu);
	else if (!ret)
		ret = gpu_parse_slice_set(w.argc, w.argv, &set);
	uuid = o->kind == STACK_SLICE ? stack_text(o->said, "uuid") : NULL;
	if (!ret && uuid && !uuid_ok(uuid))
		ret = cmd_error("\"uuid\": \"%s\" is none", uuid);
	/* Positional words can only come of an option's value that is none. */
	if (!ret && o->kind == STACK_SLICE && optind < w.argc)
		ret = cmd_error("unexpected \"%s\"", w.argv[optind]);
	stack_words_free(&w);
	return ret;
}

/**
 * up_check() - do an object's options make sense?
 * @plan: what it is part of
 * @o: object
 * @file: where the description is from
 *
 * Return: exit status; what is wrong has been said.
 */
int up_check(const struct stack *plan, const struct stack_object *o, const char *file)
{
	char context[512];
	int ret;

	(void)plan;
	snprintf(context, sizeof(context), "%s: %s %s", file, stack_kind_name(o->kind), o->name);
	cmd_context = context;
	ret = check_words(o, context);
	cmd_context = NULL;
	return ret;
}

/**
 * up_where() - where people find an object
 * @o: object
 * @text: buffer
 * @size: its size
 */
const char *up_where(const struct stack_object *o, char *text, size_t size)
{
	*text = '\0';
	if (!o->place)
		return text;
	switch (o->kind) {
	case STACK_PORT:
		snprintf(text, size, "port %s", o->place);
		break;
	case STACK_DISK:
		snprintf(text, size, "/dev/vblk%s", o->place);
		break;
	case STACK_GPU:
		snprintf(text, size, "vgpu%s", o->place);
		break;
	case STACK_SLICE:
		snprintf(text, size, "%s", o->place);
		break;
	case STACK_GUEST:
		if (o->done == STACK_MADE || o->done == STACK_UNCHANGED)
			snprintf(text, size, "process %llu", (unsigned long long)o->identity);
		break;
	default:
		break;
	}
	return text;
}
