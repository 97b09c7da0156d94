// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <linux/dm-ioctl.h>
#include <sys/sysmacros.h>

#include "writelog.h"

#define NAME	"vblk-writes"
#define MAGIC	0x6a736677736872ULL
#define SECTOR	512

struct call {
	struct dm_ioctl head;
	struct dm_target_spec spec;
	char text[256];
};

static int mapper(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	return fd;
}

static int dm(unsigned long cmd, struct call *c)
{
	c->head.version[0] = DM_VERSION_MAJOR;
	c->head.data_size = sizeof(*c);
	c->head.data_start = offsetof(struct call, spec);
	strcpy(c->head.name, NAME);
	return ioctl(mapper(), cmd, c);
}

static void remove_device(void)
{
	struct call c = {};

	if (mapper() >= 0)
		dm(DM_DEV_REMOVE, &c);
}

void writelog_begin(struct writelog *w, uint64_t bytes, uint64_t log_bytes)
{
	struct call make = {}, table = {}, resume = {};
	char path[64];

	remove_device();
	fresh();
	if (mapper() < 0)
		test_skip("the kernel has no device mapper, or it is not loaded");
	*w = (struct writelog){ .bytes = bytes };
	w->data = attach_ram(bytes);
	w->log = attach_ram(log_bytes);

	OK(dm(DM_DEV_CREATE, &make));
	table.head.target_count = 1;
	table.spec.length = bytes / SECTOR;
	strcpy(table.spec.target_type, "log-writes");
	snprintf(table.text, sizeof(table.text), "/dev/vblk%d /dev/vblk%d", w->data, w->log);
	if (dm(DM_TABLE_LOAD, &table)) {
		remove_device();
		test_skip("the device mapper has no log-writes: %s", strerror(errno));
	}
	OK(dm(DM_DEV_SUSPEND, &resume));
	/* There is no udev to make a node. */
	snprintf(path, sizeof(path), "/dev/dm-%u", minor(make.head.dev));
	w->fd = OK(open(path, PLAIN));
}

void writelog_mark(struct writelog *w, unsigned int n)
{
	struct call c = {};
	struct dm_target_msg *m = (void *)&c.spec;

	(void)w;
	snprintf(m->message, sizeof(c.text), "mark %u", n);
	OK(dm(DM_TARGET_MSG, &c));
}

/* As the target has it on its device. */
struct log_super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sector;
};

struct log_entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_bytes;
};

void writelog_end(struct writelog *w)
{
	union {
		struct log_super s;
		struct log_entry e;
		uint8_t raw[SECTOR];
	} u;
	uint64_t at = SECTOR, n;
	struct note *note;
	int fd;

	close(w->fd);
	remove_device();
	fd = disk_open(w->log, O_RDONLY);
	EQ(OK(pread(fd, &u, sizeof(u), 0)), sizeof(u));
	REQUIRE(le64toh(u.s.magic) == MAGIC && le64toh(u.s.version) == 1 &&
		le32toh(u.s.sector) == SECTOR, "not the log that is expected");
	w->nr_notes = le64toh(u.s.nr_entries);
	w->note = calloc(w->nr_notes, sizeof(*w->note));
	for (n = 0; n < w->nr_notes; n++) {
		note = &w->note[n];
		EQ(OK(pread(fd, &u, sizeof(u), at)), sizeof(u));
		at += SECTOR;
		note->flags = le64toh(u.e.flags) & 15;
		note->pos = le64toh(u.e.sector) * SECTOR;
		note->bytes = le64toh(u.e.nr_sectors) * SECTOR;
		if (note->flags & NOTE_MARK) {
			note->bytes = le64toh(u.e.data_bytes);
			note->data = strndup((char *)u.raw + sizeof(u.e), note->bytes);
		} else if (!(note->flags & NOTE_DISCARD) && note->bytes) {
			REQUIRE(note->pos + note->bytes <= w->bytes, "note %llu",
				(unsigned long long)n);
			note->data = malloc(note->bytes);
			EQ(OK(pread(fd, note->data, note->bytes, at)), note->bytes);
			at += note->bytes;
		}
	}
	close(fd);
	detach(w->log);
	detach(w->data);
}

void writelog_free(struct writelog *w)
{
	size_t i;

	for (i = 0; i < w->nr_notes; i++)
		free(w->note[i].data);
	free(w->note);
}
