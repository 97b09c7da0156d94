// SPDX-License-Identifier: GPL-2.0
/*
 * Images: what is written is read back, through snapshots and clones, against a
 * model; check finds nothing in them.
 */
#include "image_model.h"

static void good_images(void)
{
	static const unsigned int shifts[] = { 12, 14, 16 };
	struct img_writer *again;
	struct model m;
	unsigned int i, seed;
	char name[64];
	bool good;

	for (i = 0; i < 6; i++) {
		good = true;
		for (seed = 1; good && seed < 4; seed++) {
			good = build(&m, shifts[i / 2], i & 1, 300, seed * 7 + i) &&
			       sound(&m.st.s) && same(&m);
			/* The same by somebody who reads it anew. */
			again = good ? img_write_open(&m.st.s) : NULL;
			good = again && again->free == m.w->free;
			if (good) {
				img_writer_free(m.w);
				m.w = again;
				for (unsigned int s = 0; good && s < 100; s++)
					good = step(&m);
				good = good && !img_commit(m.w) && sound(&m.st.s) && same(&m);
			}
			done(&m);
		}
		snprintf(name, sizeof(name), "random changes, clusters of %u bytes%s",
			 1U << shifts[i / 2], i & 1 ? ", checksums" : "");
		ok(good, name);
	}
}

/* The log grows beyond its bounds: the bitmap takes it over. */
static void folds(void)
{
	struct model m;
	unsigned int i, folded = 0, most = 0;
	bool good;

	good = build(&m, 12, false, 0, 5);
	for (i = 0; good && i < 80; i++) {
		for (unsigned int j = 0; good && j < 500; j += 2) {
			fill(&m, m.data[0] + j * 4096, 4096);
			good = !img_write(m.w, 0, m.data[0] + j * 4096, 4096, j * 4096);
		}
		good = good && !img_commit(m.w);
		most = m.w->sb.log_blocks > most ? m.w->sb.log_blocks : most;
		folded += !m.w->sb.log_blocks;
	}
	ok(good && folded && most > 40, "a long log, folded");
	ok(sound(&m.st.s) && same(&m), "sound after that");
	done(&m);
}

static void full(void)
{
	struct model m;
	uint32_t big, i;
	int ret = 0;
	bool good;

	good = build(&m, 16, false, 20, 3) && !img_add_volume(m.w, "big", 1ULL << 40, &big);
	for (i = 0; good && !ret && i < 4096; i++)
		ret = img_write(m.w, big, m.data[0], 65536, (uint64_t)i << 30);
	ok(good && ret == -ENOSPC, "a full image says so");
	ok(!img_commit(m.w) && sound(&m.st.s), "and is sound");
	done(&m);
}

/* A write fails in the middle of a commit: the image is as it was. */
static void write_errors(void)
{
	struct model m, before;
	bool good = true;
	unsigned int i, failed = 0;

	for (i = 0; good && i < 40; i++) {
		good = build(&m, 12, false, 40, 9);
		before = m;
		before.data[0] = malloc(DISK);
		memcpy(before.data[0], m.data[0], DISK);
		fill(&m, m.data[0], 65536);
		m.st.left = i;
		before.st = m.st;
		if (img_write(m.w, 0, m.data[0], 65536, 0) || img_commit(m.w)) {
			failed++;
			/* If the last flush fails nobody knows which of them. */
			good = sound(&m.st.s) && (same(&before) || (m.st.left == 0 && same(&m)));
		} else {
			good = sound(&m.st.s) && same(&m);
		}
		free(before.data[0]);
		done(&m);
	}
	ok(good && failed > 3 && failed < 40, "a write fails: as before, or as wanted");
}

int main(void)
{
	ok(img_crc("123456789", 9) == 0xe3069283, "the checksum is CRC-32C");
	good_images();
	folds();
	full();
	write_errors();
	return tap_done();
}
