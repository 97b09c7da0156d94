/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keys, hashes and the shape of a bucket of the forwarding database: arithmetic
 * alone.
 *
 * A key is an address and its VLAN in one word. A hash chooses two buckets and
 * a 16-bit tag; an entry is in one of the two, under its tag. A bucket is one
 * cache line: six tags and six pointers, so that a lookup that misses reads two
 * lines and one that hits reads two or three, however many entries there are.
 */
#ifndef VSWITCH_FDB_HASH_H
#define VSWITCH_FDB_HASH_H

#include <linux/types.h>

#define VSW_FDB_WAYS 6

/* Bits 63 to 16 hold the address, in the order of the wire; 11 to 0 the VLAN. */
static inline u64 vsw_fdb_key(const u8 *mac, u16 vid)
{
	return (u64)mac[0] << 56 | (u64)mac[1] << 48 | (u64)mac[2] << 40 |
	       (u64)mac[3] << 32 | (u64)mac[4] << 24 | (u64)mac[5] << 16 | vid;
}

static inline void vsw_fdb_key_mac(u64 key, u8 *mac)
{
	int i;

	for (i = 0; i < 6; i++)
		mac[i] = key >> (56 - 8 * i);
}

#define VSW_FDB_KEY_VID 0xfff

static inline u16 vsw_fdb_key_vid(u64 key)
{
	return key & VSW_FDB_KEY_VID;
}

/**
 * struct vsw_fdb_salt - what makes a table's hash its own
 * @add: random
 * @mul: random and odd
 *
 * Whoever may choose addresses must not be able to choose buckets.
 */
struct vsw_fdb_salt {
	u64 add;
	u64 mul;
};

/* Both halves of a 128-bit product: each bit of the key reaches each of these. */
static inline u64 vsw_fdb_hash(const struct vsw_fdb_salt *salt, u64 key)
{
	unsigned __int128 wide = (unsigned __int128)(key ^ salt->add) * salt->mul;
	u64 h = (u64)wide ^ (u64)(wide >> 64);

	wide = (unsigned __int128)(h ^ salt->mul) * 0x9e3779b97f4a7c15ULL;
	return (u64)wide ^ (u64)(wide >> 64);
}

/* 0 marks an empty way. */
static inline u16 vsw_fdb_tag(u64 hash)
{
	u16 tag = hash >> 48;

	return tag ?: 1;
}

static inline u32 vsw_fdb_first(u64 hash, u32 mask)
{
	return (u32)hash & mask;
}

/* Odd multiples of the tag, so that the two differ in all but tiny tables. */
static inline u32 vsw_fdb_second(u64 hash, u32 mask)
{
	return ((u32)hash ^ (vsw_fdb_tag(hash) * 0x9e3779b1U)) & mask;
}

/*
 * A table is grown when it is this full: a third of its ways. At twice as much
 * new entries would begin to find both of their buckets full.
 */
static inline u32 vsw_fdb_capacity(u32 mask)
{
	return (mask + 1) * 2;
}

#endif /* VSWITCH_FDB_HASH_H */
