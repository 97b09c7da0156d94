// SPDX-License-Identifier: GPL-2.0
/* The policy program of a switch, and XDP programs on vNICs. */
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vsw.h"

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define MOV(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOVR(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LDW(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define LDB(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_B, d, s, o, 0)
#define STW(d, s, o) INSN(BPF_STX | BPF_MEM | BPF_W, d, s, o, 0)
#define STB(d, s, o) INSN(BPF_STX | BPF_MEM | BPF_B, d, s, o, 0)
#define JGT(d, s, o) INSN(BPF_JMP | BPF_JGT | BPF_X, d, s, o, 0)
#define JEQ(d, i, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define CB(n) offsetof(struct __sk_buff, cb[n])

static int load(unsigned int type, const struct bpf_insn *insns, unsigned int n)
{
	static char log[16384];
	union bpf_attr a = {
		.prog_type = type,
		.insns = (unsigned long)insns,
		.insn_cnt = n,
		.license = (unsigned long)"GPL",
		.log_buf = (unsigned long)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));

	REQUIRE(fd >= 0, "program: %s\n%s", strerror(errno), log);
	return fd;
}

#define LOAD(type, ...)							\
	({ const struct bpf_insn __i[] = { __VA_ARGS__ };		\
	   load(BPF_PROG_TYPE_##type, __i, ARRAY_SIZE(__i)); })

static int policy(int fd)
{
	struct vswitch_policy p = { .head = head(vswitch_policy), .fd = fd };

	return ioctl(dev, VSWITCH_SET_POLICY, &p);
}

/* What a program says happens, whatever the FDB would have said. */
static void policy_verdicts(void)
{
	struct vswitch_policy g = { .head = { .size = sizeof(g) } };
	struct queue a, b, c;
	struct frame f;
	int fd;

	setup();
	g.head.ifindex = sw;
	a = new_queue();
	b = new_queue();
	c = new_queue();
	FAILS(policy(dev), EINVAL);
	FAILS(policy(1000), EBADF);
	FAILS(policy(-2), EINVAL);
	fd = LOAD(XDP, MOV(0, XDP_PASS), EXIT);
	FAILS(policy(fd), EINVAL);

	/* Nothing from port a, everything from others. */
	fd = LOAD(SCHED_CLS, LDW(2, 1, CB(0)), MOV(0, TC_ACT_SHOT), JEQ(2, a.port, 1),
		  MOV(0, TC_ACT_OK), EXIT);
	OK(policy(fd));
	close(fd);
	OK(ioctl(dev, VSWITCH_GET_POLICY, &g));
	CHECK(g.id, "the program has no number");
	f = from(1);
	put(&a, &f);
	SILENT(&b);
	EQ(stat_of(a.port, VSWITCH_DROP_POLICY), 1);
	CHECK(!fdb_has(f.src, 0, NULL), "learned from what the policy has dropped");
	put(&c, &f);
	ARRIVES(&a, &f);
	ARRIVES(&b, &f);

	/* All to port c alone. */
	fd = LOAD(SCHED_CLS, MOV(2, c.port), STW(1, 2, CB(0)), MOV(0, TC_ACT_REDIRECT), EXIT);
	OK(policy(fd));
	close(fd);
	f = from(2);
	put(&a, &f);
	ARRIVES(&c, &f);
	SILENT(&b);
	put(&c, &f);
	EQ(stat_of(c.port, VSWITCH_DROP_HAIRPIN), 1);
	fd = LOAD(SCHED_CLS, MOV(2, 99), STW(1, 2, CB(0)), MOV(0, TC_ACT_REDIRECT), EXIT);
	OK(policy(fd));
	close(fd);
	put(&a, &f);
	EQ(stat_of(a.port, VSWITCH_DROP_POLICY), 2);

	/* The kernel's own redirect helper leads nowhere, and harms nothing. */
	fd = LOAD(SCHED_CLS, MOV(1, 1), MOV(2, 0), CALL(BPF_FUNC_redirect), MOV(0, TC_ACT_OK),
		  EXIT);
	OK(policy(fd));
	close(fd);
	f = from(3);
	put(&a, &f);
	ARRIVES(&b, &f);
	drain(&c);

	OK(policy(-1));
	OK(ioctl(dev, VSWITCH_GET_POLICY, &g));
	EQ(g.id, 0);
	put(&a, &f);
	ARRIVES(&b, &f);
}

/* The VLAN is told, and a program may cut a frame down to nothing. */
static void policy_sees_and_changes(void)
{
	struct queue a, b;
	struct frame f;
	int fd;

	setup();
	a = new_queue();
	b = new_queue();
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	set_vlan(b.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	fd = LOAD(SCHED_CLS, LDW(2, 1, CB(1)), MOV(0, TC_ACT_OK), JEQ(2, 10, 1),
		  MOV(0, TC_ACT_SHOT), EXIT);
	OK(policy(fd));
	f = from(1);
	put(&a, &f);
	ARRIVES(&b, &f);
	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 11, 0, NULL);
	put(&a, &f);
	EQ(stat_of(a.port, VSWITCH_DROP_POLICY), 1);

	set_vlan(a.port, VSWITCH_VLAN_ACCESS, 10, 0, NULL);
	fd = LOAD(SCHED_CLS, MOV(2, 40), MOV(3, 0), CALL(BPF_FUNC_skb_change_tail),
		  MOV(0, TC_ACT_OK), EXIT);
	OK(policy(fd));
	f.len = 400;
	put(&a, &f);
	f.len = 40;
	ARRIVES(&b, &f);
}

static void transmit(int fd, const struct frame *f)
{
	unsigned char bytes[FRAME_MAX];

	OK(send(fd, bytes, frame_bytes(f, bytes), 0));
}

/* Programs that look at the EtherType: ours gets @act, others pass. */
static int xdp_on_ours(int act)
{
	return LOAD(XDP, LDW(2, 1, offsetof(struct xdp_md, data)),
		    LDW(3, 1, offsetof(struct xdp_md, data_end)), MOVR(4, 2), ADD(4, 14),
		    MOV(0, XDP_PASS), JGT(4, 3, 3), LDB(4, 2, 13), JEQ(4, 0xb5, 2), EXIT,
		    EXIT, MOV(0, act), EXIT);
}

static void xdp_verdicts(void)
{
	unsigned int port;
	struct queue q;
	struct frame f;
	int fd;

	setup();
	q = new_queue();
	port = new_vnic("nic", -1);
	link_up("nic", true);
	fd = packet_socket("nic");
	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_PASS)), 0);
	f = from(1);
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "XDP_PASS does not");
	/* In pieces, shared with another port. */
	new_queue();
	f.len = 1400;
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "XDP_PASS does not pass a shared frame");

	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_DROP)), 0);
	put(&q, &f);
	CHECK(packet_missing(fd, &f), "XDP_DROP does not");
	EQ(stat_of(port, VSWITCH_DROP_XDP), 1);

	/* Back into the switch, from another address. */
	EQ(rtnl_set_xdp("nic", LOAD(XDP, LDW(2, 1, offsetof(struct xdp_md, data)),
				    LDW(3, 1, offsetof(struct xdp_md, data_end)), MOVR(4, 2),
				    ADD(4, 14), MOV(0, XDP_DROP), JGT(4, 3, 6),
				    LDB(4, 2, 13), JEQ(4, 0xb5, 1), EXIT, MOV(4, 0x77),
				    STB(2, 4, 11), MOV(0, XDP_TX), EXIT)), 0);
	f = from(2);
	put(&q, &f);
	f.src[5] = 0x77;
	ARRIVES(&q, &f);
	EQ(rtnl_set_xdp("nic", -1), 0);
	f = from(3);
	put(&q, &f);
	CHECK(packet_arrives(fd, &f), "without a program nothing passes");
}

/* From one vNIC's program to another vNIC, which sends it into its switch. */
static void xdp_redirect(void)
{
	struct queue near, far;
	int first, second, fd;
	struct frame f;

	setup();
	first = sw;
	near = new_queue();
	new_vnic("from", -1);
	link_up("from", true);
	second = new_switch("second");
	sw = second;
	far = new_queue();
	new_vnic("to", -1);
	link_up("to", true);
	sw = first;
	fd = LOAD(XDP, MOV(1, link_index("to")), MOV(2, 0), CALL(BPF_FUNC_redirect), EXIT);
	EQ(rtnl_set_xdp("from", fd), 0);
	f = from(1);
	f.len = 1000;
	put(&near, &f);
	ARRIVES(&far, &f);
	link_up("to", false);
	put(&near, &f);
	SILENT(&far);
}

/* A program goes with its vNIC; the owner of a locked one puts none there. */
static void xdp_locked(void)
{
	struct vswitch_port_id id = { .head = { .size = sizeof(id) } };
	struct ifreq ifr = { .ifr_name = "nic", .ifr_mtu = 9000 };
	int s;

	setup();
	id.head.ifindex = sw;
	id.port = new_vnic("nic", -1);
	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_DROP)), 0);
	s = OK(socket(AF_INET, SOCK_DGRAM, 0));
	FAILS(ioctl(s, SIOCSIFMTU, &ifr), ERANGE);
	EQ(rtnl_set_xdp("nic", -1), 0);
	OK(ioctl(s, SIOCSIFMTU, &ifr));
	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_DROP)), -ERANGE);
	ifr.ifr_mtu = 1500;
	OK(ioctl(s, SIOCSIFMTU, &ifr));
	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_DROP)), 0);
	port_conf(id.port, VSWITCH_P_LOCKED, VSWITCH_P_LOCKED);
	OK(ioctl(dev, VSWITCH_DEL_PORT, &id));
	EQ(link_index("nic"), -ENODEV);
}

static void xdp_from_nic(void)
{
	struct queue q;
	struct frame f;
	int fd;

	setup();
	q = new_queue();
	new_vnic("nic", -1);
	link_up("nic", true);
	fd = packet_socket("nic");
	EQ(rtnl_set_xdp("nic", xdp_on_ours(XDP_DROP)), 0);
	/* What the owner sends is none of the program's business. */
	f = from(1);
	transmit(fd, &f);
	ARRIVES(&q, &f);
}

static const struct test tests[] = {
	{ "policy_verdicts", policy_verdicts },
	{ "policy_sees_and_changes", policy_sees_and_changes },
	{ "xdp_verdicts", xdp_verdicts },
	{ "xdp_redirect", xdp_redirect },
	{ "xdp_locked", xdp_locked },
	{ "xdp_from_nic", xdp_from_nic },
};

TEST_SUITE(tests);
