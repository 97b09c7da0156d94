// SPDX-License-Identifier: GPL-2.0
/*
 * virtlite vm: virtual machines.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../vmm/vmm.h"
#include "cmd.h"
#include "switch.h"
#include "vm.h"

#define DEFAULT_MEM	(256 * MIB)
#define DEFAULT_CMDLINE	"console=ttyS0"
#define MAX_MEM		BIT_ULL(46)

enum {
	OPT_KERNEL = 256,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_MEM,
	OPT_CPUS,
	OPT_DISK,
	OPT_NIC,
	OPT_VFIO,
	OPT_CONSOLE,
	OPT_DEVICE,
	OPT_MARK,
	OPT_CONTROL,
};

enum {
	NIC_SWITCH,
	NIC_NAME,
	NIC_MAC,
	NIC_VLAN,
	NIC_MTU,
	NIC_QUEUES,
};

static int do_vm_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite vm run --kernel BZIMAGE [--initrd FILE] [--cmdline STRING]\n"
	       "                       [--mem SIZE] [--cpus N] [--disk PATH[,ro]]...\n"
	       "                       [--nic switch=NAME[,vlan=N][,mac=MAC][,mtu=N]\n"
	       "                              [,queues=N][,name=TEXT]]...\n"
	       "                       [--vfio DEVICE]... [--console stdio] [--device PATH]\n"
	       "                       [--control PATH] [--mark STRING] [-v | --summary]\n"
	       "       virtlite vm balloon [--wait SECONDS] CONTROL [SIZE]\n"
	       "       virtlite vm info [--device PATH]\n"
	       "\n"
	       "The guest's first serial port is this terminal: Ctrl-a x quits, Ctrl-a Ctrl-a\n"
	       "sends Ctrl-a. Exit status of run: 0 the guest switched itself off, 1 it could not\n"
	       "be started, 2 wrong usage, 3 it asked for a reset, 4 it crashed, 5 the hypervisor\n"
	       "could not go on, 6 it was stopped from outside.\n");
	return 0;
}

/* A number with a binary suffix; MiB without one. Return: false if it is not. */
bool parse_size(const char *s, u64 *size)
{
	unsigned int shift = 20;
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || end == s || *s == '-' || *s == '+')
		return false;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		end++;
		break;
	case 'm':
	case 'M':
		end++;
		break;
	case 'g':
	case 'G':
		shift = 30;
		end++;
		break;
	}
	if (*end || !v || v > MAX_MEM >> shift)
		return false;
	*size = (u64)v << shift;
	return true;
}

bool parse_count(const char *s, unsigned int *n)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end || *s == '-' || *s == '+' || v > 65535)
		return false;
	*n = v;
	return true;
}

/* PATH or PATH,ro; other words after a last comma belong to the path. */
static bool parse_disk(char *s, struct vmm_disk *disk)
{
	char *comma = strrchr(s, ',');

	disk->path = s;
	disk->ro = comma && !strcmp(comma, ",ro");
	if (disk->ro)
		*comma = '\0';
	return *disk->path;
}

/* A word of --nic. Return: false if it makes no sense. */
static bool parse_nic_word(int key, const char *value, struct vmm_nic *nic)
{
	if (!value || !*value)
		return false;
	switch (key) {
	case NIC_SWITCH:
		nic->sw = value;
		return true;
	case NIC_NAME:
		nic->name = value;
		return strlen(value) < 16;
	case NIC_MAC:
		nic->has_mac = true;
		return parse_mac(value, nic->mac);
	case NIC_VLAN:
		return parse_count(value, &nic->vlan) && nic->vlan &&
		       nic->vlan < 4095;
	case NIC_MTU:
		return parse_count(value, &nic->mtu) && nic->mtu >= 68 &&
		       nic->mtu <= 65521;
	case NIC_QUEUES:
		return parse_count(value, &nic->queues) && nic->queues;
	}
	return false;
}

/* switch=NAME and more, with commas between. Exit status. */
static int parse_nic(char *s, struct vmm_nic *nic)
{
	static char *const keys[] = {
		[NIC_SWITCH] = "switch", [NIC_NAME] = "name", [NIC_MAC] = "mac",
		[NIC_VLAN] = "vlan", [NIC_MTU] = "mtu", [NIC_QUEUES] = "queues",
		NULL
	};
	char *value;

	while (*s) {
		char *word = s;
		int key = getsubopt(&s, keys, &value);

		if (key < 0)
			return cmd_error("--nic: unknown \"%s\"", word);
		if (!parse_nic_word(key, value, nic))
			return cmd_error("--nic: %s: a value that makes no sense, or none",
					 keys[key]);
	}
	return nic->sw ? 0 : cmd_error("--nic: switch=NAME is missing");
}

static int parse_run(int argc, char **argv, struct vmm_config *cfg)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, OPT_KERNEL },
		{ "initrd", required_argument, NULL, OPT_INITRD },
		{ "cmdline", required_argument, NULL, OPT_CMDLINE },
		{ "mem", required_argument, NULL, OPT_MEM },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "disk", required_argument, NULL, OPT_DISK },
		{ "nic", required_argument, NULL, OPT_NIC },
		{ "vfio", required_argument, NULL, OPT_VFIO },
		{ "console", required_argument, NULL, OPT_CONSOLE },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ "mark", required_argument, NULL, OPT_MARK },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "summary", no_argument, NULL, 'v' },
		{},
	};
	int opt, ret;

	optind = 0;	/* a new scan: main() has done its own */
	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		switch (opt) {
		case OPT_KERNEL:
			cfg->kernel = optarg;
			break;
		case OPT_INITRD:
			cfg->initrd = optarg;
			break;
		case OPT_CMDLINE:
			cfg->cmdline = optarg;
			break;
		case OPT_MEM:
			if (!parse_size(optarg, &cfg->mem))
				return cmd_error("--mem %s: not a size (256M, 2G)",
						 optarg);
			break;
		case OPT_CPUS:
			if (!parse_count(optarg, &cfg->cpus) || !cfg->cpus)
				return cmd_error("--cpus %s: not a number of CPUs",
						 optarg);
			break;
		case OPT_DISK:
			if (cfg->nr_disks == VMM_MAX_DISKS)
				return cmd_error("--disk: more than %d",
						 VMM_MAX_DISKS);
			if (!parse_disk(optarg, &cfg->disks[cfg->nr_disks++]))
				return cmd_error("--disk: no path");
			break;
		case OPT_NIC:
			if (cfg->nr_nics == VMM_MAX_NICS)
				return cmd_error("--nic: more than %d",
						 VMM_MAX_NICS);
			ret = parse_nic(optarg, &cfg->nics[cfg->nr_nics++]);
			if (ret)
				return ret;
			break;
		case OPT_VFIO:
			if (cfg->nr_vfio == VMM_MAX_VFIO)
				return cmd_error("--vfio: more than %d",
						 VMM_MAX_VFIO);
			if (!*optarg)
				return cmd_error("--vfio: no device");
			cfg->vfio[cfg->nr_vfio++] = optarg;
			break;
		case OPT_CONSOLE:
			if (strcmp(optarg, "stdio"))
				return cmd_error("--console %s: only stdio is there",
						 optarg);
			break;
		case OPT_DEVICE:
			cfg->device = optarg;
			break;
		case OPT_MARK:
			if (!*optarg || strlen(optarg) > 255)
				return cmd_error("--mark: 1 to 255 bytes");
			cfg->mark = optarg;
			break;
		case OPT_CONTROL:
			cfg->control = optarg;
			break;
		case 'v':
			cfg->summary = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cmd_error("vm run: unexpected \"%s\"", argv[optind]);
	if (!cfg->kernel)
		return cmd_error("vm run: --kernel is missing");
	return 0;
}

/**
 * vm_parse() - read the words that say what machine is to run
 * @argc: words
 * @argv: words, the verb first
 * @cfg: filled in; points into @argv
 *
 * Return: 0 or EXIT_USAGE.
 */
int vm_parse(int argc, char **argv, struct vmm_config *cfg)
{
	*cfg = (struct vmm_config){
		.device = VL_DEFAULT_DEVICE,
		.cmdline = DEFAULT_CMDLINE,
		.mem = DEFAULT_MEM,
		.cpus = 1,
		.mark = VMM_DEFAULT_MARK,
	};
	return parse_run(argc, argv, cfg);
}

static int do_run(int argc, char **argv)
{
	struct vmm_config cfg;
	int ret = vm_parse(argc, argv, &cfg);

	cfg.json = json_output;
	cfg.summary |= json_output;
	return ret ? ret : (int)vmm_run(&cfg);
}

struct bit_name {
	__u64 bit;
	const char *name;
};

static const struct bit_name mitigations[] = {
	{ KVMLITE_MITIGATION_L1D_FLUSH, "l1d_flush" },
	{ KVMLITE_MITIGATION_L1D_ALWAYS, "l1d_always" },
	{ KVMLITE_MITIGATION_L1D_COMMAND, "l1d_command" },
	{ KVMLITE_MITIGATION_VERW, "verw" },
	{ KVMLITE_MITIGATION_VERW_MMIO, "verw_mmio" },
	{ KVMLITE_MITIGATION_IBPB, "ibpb" },
	{ KVMLITE_MITIGATION_RSB_FILL, "rsb_fill" },
	{ KVMLITE_MITIGATION_RSB_ONE, "rsb_one" },
	{ KVMLITE_MITIGATION_SPEC_CTRL, "spec_ctrl" },
	{ KVMLITE_MITIGATION_BHB_CLEAR, "bhb_clear" },
	{ KVMLITE_MITIGATION_IBPB_USER, "ibpb_user" },
	{ KVMLITE_MITIGATION_UNTRAIN, "untrain" },
	{ KVMLITE_MITIGATION_IBPB_EXIT, "ibpb_exit" },
	{}
};

static const struct bit_name bugs[] = {
	{ KVMLITE_BUG_L1TF, "l1tf" },
	{ KVMLITE_BUG_MDS, "mds" },
	{ KVMLITE_BUG_TAA, "taa" },
	{ KVMLITE_BUG_MMIO, "mmio_stale_data" },
	{ KVMLITE_BUG_RFDS, "rfds" },
	{ KVMLITE_BUG_TSA, "tsa" },
	{ KVMLITE_BUG_SPECTRE_V2, "spectre_v2" },
	{ KVMLITE_BUG_RETBLEED, "retbleed" },
	{ KVMLITE_BUG_SRSO, "srso" },
	{ KVMLITE_BUG_PBRSB, "eibrs_pbrsb" },
	{ KVMLITE_BUG_BHI, "bhi" },
	{ KVMLITE_BUG_VMSCAPE, "vmscape" },
	{}
};

/* "a b c", or "none" */
static json_object *bit_names(__u64 bits, const struct bit_name *names)
{
	char text[256] = "";
	size_t len = 0;

	for (; names->bit; names++)
		if ((bits & names->bit) && len < sizeof(text))
			len += snprintf(text + len, sizeof(text) - len, "%s%s",
					len ? " " : "", names->name);
	return json_object_new_string(len ? text : "none");
}

static json_object *kvmlite_info(const struct kvmlite_info *info)
{
	static const struct {
		__u64 bit;
		const char *name;
	} known[] = {
		{ KVMLITE_FEATURE_1G_PAGES, "1g_pages" },
		{ KVMLITE_FEATURE_AD_BITS, "ad_bits" },
		{ KVMLITE_FEATURE_TSC_SCALING, "tsc_scaling" },
	};
	json_object *o = json_object_new_object();
	const char *backend = "unknown";

	if (info->backend == KVMLITE_BACKEND_VMX)
		backend = "vmx";
	else if (info->backend == KVMLITE_BACKEND_SVM)
		backend = "svm";
	json_object_object_add(o, "backend", json_object_new_string(backend));
	json_object_object_add(o, "build", json_object_new_string_len
			       ((const char *)info->build,
				strnlen((const char *)info->build,
					sizeof(info->build))));
	json_object_object_add(o, "max_vcpus",
			       json_object_new_int(info->max_vcpus));
	json_object_object_add(o, "max_slots",
			       json_object_new_int(info->max_slots));
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		json_object_object_add(o, known[i].name, json_object_new_boolean
				       (info->features & known[i].bit));
	/* An older module fills in less. */
	if (info->size < sizeof(*info))
		return o;
	json_object_object_add(o, "mitigations",
			       bit_names(info->mitigations, mitigations));
	json_object_object_add(o, "cpu_bugs", bit_names(info->bugs, bugs));
	json_object_object_add(o, "exposed", bit_names(info->exposed, bugs));
	return o;
}

static json_object *device_info(int fd, const char *path)
{
	json_object *o = json_object_new_object();
	json_object *caps = json_object_new_object();
	struct kvm_cpuid2 *cpuid = vl_kvm_supported_cpuid(fd);
	struct kvm_msr_list *msrs = vl_kvm_msr_list(fd);
	struct kvmlite_info own;
	const struct vl_cap *cap;
	size_t nr;
	int size;

	json_object_object_add(o, "device", json_object_new_string(path));
	json_object_object_add(o, "api_version",
			       json_object_new_int(KVM_API_VERSION));
	size = vl_ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	json_object_object_add(o, "run_page_bytes", json_object_new_int(size));
	if (cpuid)
		json_object_object_add(o, "cpuid_entries",
				       json_object_new_int(cpuid->nent));
	if (msrs)
		json_object_object_add(o, "msrs",
				       json_object_new_int(msrs->nmsrs));
	if (!vl_kvmlite_info(fd, &own))
		json_object_object_add(o, "kvmlite", kvmlite_info(&own));
	cap = vl_kvm_caps(&nr);
	for (size_t i = 0; i < nr; i++)
		json_object_object_add(caps, cap[i].name, json_object_new_int
				       (vl_kvm_cap(fd, cap[i].nr)));
	json_object_object_add(o, "capabilities", caps);
	free(cpuid);
	free(msrs);
	return o;
}

static void print_info(json_object *o)
{
	json_object_object_foreach(o, key, value) {
		if (!json_object_is_type(value, json_type_object)) {
			printf("%-28s %s\n", key, json_object_get_string(value));
			continue;
		}
		printf("%s\n", key);
		json_object_object_foreach(value, name, v) {
			printf("  %-26s %s\n", name, json_object_get_string(v));
		}
	}
}

static int do_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, OPT_DEVICE },
		{},
	};
	const char *path = VL_DEFAULT_DEVICE;
	json_object *o;
	int fd, opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != OPT_DEVICE)
			return EXIT_USAGE;
		path = optarg;
	}
	if (optind < argc)
		return cmd_error("vm info: unexpected \"%s\"", argv[optind]);

	fd = vl_kvm_open(path);
	if (fd < 0) {
		fprintf(stderr, "virtlite: %s\n", vl_message());
		return EXIT_FAILURE;
	}
	o = device_info(fd, path);
	close(fd);
	if (json_output) {
		cmd_print_json(o);
	} else {
		print_info(o);
		json_object_put(o);
	}
	return 0;
}

static const struct cmd verbs[] = {
	{ "run", do_run },
	{ "balloon", do_vm_balloon },
	{ "info", do_info },
	{ "help", do_vm_help },
	{ NULL, NULL },
};

int do_vm(int argc, char **argv)
{
	return cmd_select(verbs, argc - 1, argv + 1, do_vm_help, "vm verb");
}
