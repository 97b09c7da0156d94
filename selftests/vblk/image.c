// SPDX-License-Identifier: GPL-2.0
/* Images: what is written is there, also for a reader that is not the module. */
#include <pthread.h>
#include <sys/mman.h>

#include "pool.h"

/* Made by the program, filled through the module, judged by the program. */
static void there_and_back(void)
{
	static const unsigned int shifts[] = { 12, 14, 16 };
	struct vblk_image_info info;
	struct reading r;
	int backing, image, id, fd;
	unsigned int i;
	void *buf;

	buf = io_buffer(MIB);
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		fresh();
		backing = pool_new(64 * MIB, shifts[i]);
		POOL_SOUND(backing);
		image = pool_open(backing);
		info = pool_info(image);
		EQ(info.length, 64 * MIB);
		EQ(info.cluster, 1U << shifts[i]);
		EQ(info.volumes, 1);
		id = attach_volume(image, 0, 0);
		close(image);
		fd = disk_open(id, PLAIN);
		EQ(disk_bytes(fd), 64 * MIB);
		EXPECT(fd, 5 * MIB, MIB, 0);
		put(fd, 5 * MIB, MIB, 1);
		put(fd, 9 * MIB + 512, 1024, 2);
		EXPECT(fd, 5 * MIB, MIB, 1);
		EXPECT(fd, 9 * MIB, 512, 0);
		EXPECT(fd, 9 * MIB + 512, 1024, 2);
		EXPECT(fd, 9 * MIB + 1536, 32768, 0);
		OK(fsync(fd));
		/* in place this time */
		put(fd, 5 * MIB + 4096, 8192, 3);
		OK(fsync(fd));
		close(fd);
		detach(id);
		POOL_SOUND(backing);

		reading_begin(&r, backing, 0);
		EQ(img_reader_read(r.reader, buf, MIB, 5 * MIB), 0);
		CHECK(same(buf, 4096, 5 * MIB, 1), "the beginning");
		CHECK(same(buf + 4096, 8192, 5 * MIB + 4096, 3), "what was overwritten");
		CHECK(same(buf + 12288, MIB - 12288, 5 * MIB + 12288, 1), "the rest");
		reading_end(&r);

		image = pool_open(backing);
		id = attach_volume(image, 0, VBLK_ATTACH_RDONLY);
		fd = disk_open(id, O_RDONLY | O_DIRECT);
		EXPECT(fd, 5 * MIB, 4096, 1);
		EXPECT(fd, 5 * MIB + 4096, 8192, 3);
		EXPECT(fd, 9 * MIB + 512, 1024, 2);
		close(fd);
		detach(id);
		close(image);
		close(backing);
	}
}

static const struct test tests[] = {
	{ "there_and_back", there_and_back },
};

TEST_SUITE(tests);
