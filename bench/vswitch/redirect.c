// SPDX-License-Identifier: GPL-2.0
/* An XDP program in a netdev's driver, and a netdev's offloads. */
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ends.h"

#define INSN(c, d, i) { .code = (c), .dst_reg = (d), .imm = (i) }

/* xdp INDEX TARGET: sends all to the interface TARGET, 0: drops it; until it is killed */
int redirect(int argc, char **argv)
{
	unsigned int target = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct bpf_insn to[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, target),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_FUNC_redirect),
		INSN(BPF_JMP | BPF_EXIT, 0, 0),
	}, drop[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, XDP_DROP),
		INSN(BPF_JMP | BPF_EXIT, 0, 0),
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (unsigned long)(target ? to : drop),
		.insn_cnt = target ? 4 : 2,
		.license = (unsigned long)"GPL",
	}, link = {
		.link_create = {
			.target_ifindex = argc > 0 ? strtoul(argv[0], NULL, 10) : 0,
			.attach_type = BPF_XDP,
			.flags = XDP_FLAGS_DRV_MODE,
		},
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));

	if (fd < 0)
		die("XDP program");
	link.link_create.prog_fd = fd;
	if (syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)) < 0)
		die("XDP link");
	printf("there\n");
	fflush(stdout);
	pause();
	return 0;
}

static void set(int fd, const char *name, unsigned int cmd, unsigned int value)
{
	struct ethtool_value v = { .cmd = cmd, .data = value };
	struct ifreq ifr = { .ifr_data = (void *)&v };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		die(name);
}

/* offload on|off DEVICE... */
int offload(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	unsigned int on = argc && !strcmp(argv[0], "on");

	for (i = 1; i < argc; i++) {
		set(fd, argv[i], ETHTOOL_SGSO, on);
		set(fd, argv[i], ETHTOOL_STSO, on);
		set(fd, argv[i], ETHTOOL_SGRO, on);
	}
	return 0;
}
