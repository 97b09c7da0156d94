// SPDX-License-Identifier: GPL-2.0
/*
 * up and down: what a description may say, and the order in which its objects come and go,
 * with objects that are rows of a table here. Every failure that can happen happens once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "../stack/stack.h"
#include "tap.h"

static const char set[] =
	"{\"name\":\"lab\",\"comment\":\"all kinds\","
	"\"switches\":[{\"name\":\"lan0\",\"ageing\":60000,\"snooping\":true,\"ports\":["
	"{\"name\":\"web0\",\"kind\":\"vnic\",\"access\":10,\"isolated\":true,\"learn\":false},"
	"{\"name\":\"db0\",\"kind\":\"vnic\"}]}],"
	"\"disks\":[{\"name\":\"data\",\"ram\":true,\"ro\":false,\"size\":\"64M\"}],"
	"\"gpus\":[{\"name\":\"g\",\"vram\":\"64M\",\"slices\":["
	"{\"name\":\"a\",\"type\":\"1of4\",\"weight\":512}]}],"
	"\"guests\":[{\"name\":\"web\",\"kernel\":\"/k\",\"disks\":[\"data,ro\",\"/dev/null\"],"
	"\"nics\":[{\"switch\":\"lan0\"}]}]}";

static const char one_disk[] =
	"{\"name\":\"lab\",\"disks\":["
	"{\"name\":\"data\",\"ram\":true,\"ro\":false,\"size\":\"64M\"}]}";

#define NR_OBJECTS	7

/* ------------------------------------------------------------ descriptions */

static int parse(const char *text, struct stack *plan)
{
	json_object *root = json_tokener_parse(text);
	int ret = stack_parse(root, "file", plan);

	json_object_put(root);
	return ret;
}

static void refused(const char *text, const char *why)
{
	struct stack plan = {};
	char name[128];

	snprintf(name, sizeof(name), "refused: %s", why);
	if (!ok(parse(text, &plan) < 0 && strstr(vl_message(), why), name))
		printf("# %s: %s\n", text, vl_message());
	stack_free(&plan);
}

static void test_parse(void)
{
	static const char *const order[NR_OBJECTS] = {
		"lan0", "lan0/web0", "lan0/db0", "data", "g", "g/a", "web",
	};
	struct stack plan;
	bool same;

	ok(!parse(set, &plan), "a set of all kinds");
	same = plan.nr == NR_OBJECTS && !strcmp(plan.name, "lab");
	for (size_t i = 0; same && i < plan.nr; i++)
		same = !strcmp(plan.objects[i].name, order[i]);
	ok(same, "its objects, in the order in which they are made");
	ok(!json_object_object_get(plan.objects[0].said, "ports"),
	   "ports are no option of a switch");
	stack_free(&plan);
	ok(!parse("{}", &plan) && !plan.nr && !strcmp(plan.name, "file"),
	   "an empty set, named after its file");
	stack_free(&plan);

	refused("[]", "no JSON object");
	refused("{\"disk\":[]}", "\"disk\" is none of");
	refused("{\"name\":\"../lab\"}", "a name is up to");
	refused("{\"name\":\".lab\"}", "a name is up to");
	refused("{\"disks\":{}}", "\"disks\" is a list");
	refused("{\"disks\":[1]}", "disk 1: an object");
	refused("{\"disks\":[{\"ram\":true}]}", "disk 1: \"name\" is missing");
	refused("{\"disks\":[{\"name\":\"a/b\"}]}", "letters");
	refused("{\"disks\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "two of that name");
	refused("{\"disks\":[{\"name\":\"a\",\"size\":1.5}]}", "a whole number");
	refused("{\"disks\":[{\"name\":\"a\",\"size\":null}]}", "a whole number");
	refused("{\"switches\":[{\"name\":\"s\",\"ports\":1}]}", "\"ports\" is a list");
	refused("{\"switches\":[{\"name\":\"s\",\"ports\":[{\"name\":\"p\"}]}]}",
		"port s/p: \"kind\" is missing");
	refused("{\"gpus\":[{\"name\":\"g\",\"slices\":[{\"name\":\"a\"}]}]}",
		"slice g/a: \"type\" is missing");
	refused("{\"guests\":[{\"name\":\"w\"}]}", "\"kernel\" is missing");
	refused("{\"guests\":[{\"name\":\"w\",\"kernel\":\"k\",\"disks\":[\"d\"]}]}",
		"neither described here nor a path");
	refused("{\"guests\":[{\"name\":\"w\",\"kernel\":\"k\",\"disks\":[1]}]}", "names of disks");
	refused("{\"guests\":[{\"name\":\"w\",\"kernel\":\"k\",\"nics\":[{}]}]}",
		"\"switch\" is missing");
	refused("{\"guests\":[{\"name\":\"w\",\"kernel\":\"k\",\"nics\":[1]}]}", "an object");
}

static bool words_are(const struct stack *plan, size_t i, const char *dashes, const char *want)
{
	struct stack_words w = {};
	char text[256] = "";

	if (stack_options(&w, &plan->objects[i], dashes))
		return false;
	for (int k = 0; k < w.argc; k++) {
		strcat(text, k ? " " : "");
		strcat(text, w.argv[k]);
	}
	stack_words_free(&w);
	if (strcmp(text, want))
		printf("# \"%s\"\n", text);
	return !strcmp(text, want);
}

static void test_words(void)
{
	struct stack plan;

	parse(set, &plan);
	ok(words_are(&plan, 0, "", "ageing 60000 snooping on"), "a switch's words");
	ok(words_are(&plan, 1, "", "access 10 isolated learn off"), "a port's words");
	ok(words_are(&plan, 3, "--", "--ram --size 64M"), "a disk's words");
	ok(words_are(&plan, 5, "--", "--weight 512"), "a slice's words");
	ok(words_are(&plan, 6, "--", "--kernel /k"), "a guest's words");
	stack_free(&plan);
}

/* ------------------------------------------------- a machine that is a table */

#define ROOM	32

static struct thing {
	enum stack_kind kind;
	char place[32];
	uint64_t identity;
} things[ROOM];

static unsigned int nr_things, next_identity, next_place, calls, fail_at, stop_at;
static char journal[1024];
static char saved[8192];
static jmp_buf died;
static unsigned int die_at;

static struct thing *thing_at(enum stack_kind kind, const char *place)
{
	for (unsigned int i = 0; i < nr_things; i++)
		if (things[i].kind == kind && !strcmp(things[i].place, place))
			return &things[i];
	return NULL;
}

static void put_thing(enum stack_kind kind, const char *place)
{
	struct thing *t = &things[nr_things++];

	t->kind = kind;
	snprintf(t->place, sizeof(t->place), "%s", place);
	t->identity = ++next_identity;
}

static void take_thing(struct thing *t)
{
	*t = things[--nr_things];
}

/* Every call of an operation counts, and one may be told to fail. */
static int may_fail(const char *what)
{
	calls++;
	if (calls == die_at)
		longjmp(died, 1);
	return calls == fail_at ? vl_error(EIO, "%s", what) : 0;
}

static void note(const char *what, const struct stack_object *o)
{
	size_t len = strlen(journal);

	snprintf(journal + len, sizeof(journal) - len, "%s%s ", what, o->name);
}

static int fake_choose(struct stack *s, struct stack_object *o)
{
	char text[32];

	(void)s;
	if (may_fail("choose"))
		return -EIO;
	snprintf(text, sizeof(text), "%u", ++next_place);
	o->place = strdup(json_object_object_get(o->said, "size") ? "disk" : text);
	return 0;
}

static int fake_find(struct stack *s, struct stack_object *o, uint64_t *identity)
{
	struct thing *t = thing_at(o->kind, o->place);

	(void)s;
	if (may_fail("find"))
		return -EIO;
	if (t)
		*identity = t->identity;
	return t ? 1 : 0;
}

static int fake_make(struct stack *s, struct stack_object *o)
{
	(void)s;
	if (may_fail("make"))
		return -EIO;
	put_thing(o->kind, o->place);
	note("+", o);
	/* Died when it was there, and the record does not say so yet. */
	return may_fail("after") ? (take_thing(thing_at(o->kind, o->place)), -EIO) : 0;
}

static int fake_unmake(struct stack *s, struct stack_object *o, bool force)
{
	struct thing *t = thing_at(o->kind, o->place);

	(void)s;
	(void)force;
	if (may_fail("unmake"))
		return -EIO;
	if (!t)
		return vl_error(ENOENT, "%s", o->name);
	take_thing(t);
	note("-", o);
	return 0;
}

static int fake_save(const struct stack *record)
{
	json_object *o;

	if (may_fail("save"))
		return -EIO;
	o = stack_to_json(record);
	snprintf(saved, sizeof(saved), "%s", record->nr ? json_object_to_json_string(o) : "");
	json_object_put(o);
	return 0;
}

static void fake_tell(const struct stack_object *o, enum stack_done done, const char *text)
{
	(void)o;
	(void)done;
	(void)text;
}

static bool fake_stopped(void)
{
	return stop_at && calls >= stop_at;
}

static enum stack_status run(bool up, const char *text, struct stack *record)
{
	static struct stack_ops ops[STACK_NR_KINDS];
	const struct stack_env env = { ops, fake_save, fake_tell, fake_stopped };
	enum stack_status status = STACK_FAILED;
	json_object *root;
	struct stack plan;

	for (int i = 0; i < STACK_NR_KINDS; i++)
		ops[i] = (struct stack_ops){ fake_choose, fake_find, fake_make, fake_unmake };
	*record = (struct stack){};
	root = *saved ? json_tokener_parse(saved) : NULL;
	if (root)
		stack_from_json(root, record);
	json_object_put(root);
	calls = 0;
	*journal = '\0';
	if (!up) {
		status = stack_down(record, false, &env);
	} else if (!parse(text, &plan)) {
		status = stack_up(&plan, record, &env);
		stack_free(&plan);
	}
	return status;
}

static enum stack_status up(const char *text)
{
	struct stack record;
	enum stack_status status = run(true, text, &record);

	stack_free(&record);
	return status;
}

static enum stack_status down(void)
{
	struct stack record;
	enum stack_status status = run(false, NULL, &record);

	stack_free(&record);
	return status;
}

static void reset(void)
{
	nr_things = 0;
	next_place = 0;
	*saved = '\0';
	fail_at = 0;
	die_at = 0;
	stop_at = 0;
}

static void test_order(void)
{
	unsigned int before;

	reset();
	ok(up(set) == STACK_OK && nr_things == NR_OBJECTS, "up makes all");
	ok(!strcmp(journal, "+lan0 +lan0/web0 +lan0/db0 +data +g +g/a +web "), "in order");
	before = next_identity;
	ok(up(set) == STACK_OK && !*journal && next_identity == before,
	   "once more changes nothing");
	put_thing(STACK_DISK, "somebody's");
	ok(down() == STACK_OK && nr_things == 1 && !*saved, "down removes what up made, no more");
	ok(!strcmp(journal, "-web -g/a -g -data -lan0/db0 -lan0/web0 -lan0 "), "in reverse");
	ok(down() == STACK_OK && !*journal, "down of what is not up");
}

static void test_changes(void)
{
	struct thing *t;
	char other[sizeof(set)];

	reset();
	up(set);
	take_thing(thing_at(STACK_DISK, "disk"));
	ok(up(set) == STACK_OK && !strcmp(journal, "+data "), "what has gone is made again");
	take_thing(thing_at(STACK_DISK, "disk"));
	ok(down() == STACK_OK && !nr_things, "what has gone is no obstacle for down");

	reset();
	up(set);
	t = thing_at(STACK_DISK, "disk");
	t->identity += 1000;
	ok(up(set) == STACK_FAILED && !*journal, "up does not take another's for its own");
	ok(down() == STACK_OK && nr_things == 1, "nor does down: another's stays");

	reset();
	up(set);
	strcpy(other, set);
	memcpy(strstr(other, "64M"), "32M", 3);
	ok(up(other) == STACK_FAILED && !*journal, "what is described otherwise is refused");
	ok(up("{\"name\":\"lab\"}") == STACK_FAILED && !*journal,
	   "what is no longer described, too");

	reset();
	put_thing(STACK_DISK, "disk");
	ok(up(set) == STACK_FAILED && nr_things == 1 && !*saved,
	   "what was there before is not taken over, and stays");

	reset();
	ok(up(one_disk) == STACK_OK && up(set) == STACK_OK && nr_things == NR_OBJECTS,
	   "what is added is made");
	ok(down() == STACK_OK && !nr_things, "and goes with the rest");
}

/* Whatever fails in up: nothing is left, or what is left is in the record, and down does it. */
static void test_failures(void)
{
	unsigned int n, clean = 0, left = 0, bad = 0;

	for (n = 1;; n++) {
		enum stack_status status;

		reset();
		fail_at = n;
		status = up(set);
		if (calls < n)
			break;
		if (status == STACK_FAILED && !nr_things && !*saved)
			clean++;
		else if (status == STACK_LEFT)
			left++;
		else
			bad++;
		fail_at = 0;
		if (down() != STACK_OK || nr_things || *saved)
			bad++;
	}
	if (!ok(!bad && !left && clean == n - 1 && clean > 5 * NR_OBJECTS,
		"each failure of up leaves nothing behind"))
		printf("# %u calls: %u clean, %u left, %u bad\n", n - 1, clean, left, bad);

	/* A failure, and one while it is undone. */
	for (n = 1, bad = 0, left = 0;; n++) {
		enum stack_status status;

		reset();
		/* The last save of a whole up is its last call: it fails, then unmake does. */
		fail_at = n;
		up(set);
		if (calls < n)
			break;
		reset();
		up(set);
		fail_at = n;
		status = down();
		left += status == STACK_LEFT;
		bad += status != STACK_OK && status != STACK_LEFT;
		bad += status == STACK_LEFT && calls >= n && !*saved && nr_things;
		fail_at = 0;
		bad += down() != STACK_OK || nr_things || *saved;
	}
	ok(!bad && left, "what down could not remove, the next one removes");
}

static void test_undo_fails(void)
{
	unsigned int total, bad = 0, left = 0;

	/* Stopped after everything but the guest, with the first unmake of the undo failing. */
	reset();
	up(set);
	total = calls;
	for (unsigned int n = 1; n <= total; n++) {
		reset();
		stop_at = n;
		if (up(set) != STACK_FAILED && calls > n)
			bad += nr_things != NR_OBJECTS;
		else
			bad += nr_things && calls < total;
	}
	ok(!bad, "stopped at each call: all or nothing");
	bad = 0;
	for (unsigned int n = 2; n <= total; n++) {
		enum stack_status status;

		reset();
		stop_at = n;
		fail_at = n + 4;
		status = up(set);
		left += status == STACK_LEFT;
		fail_at = 0;
		stop_at = 0;
		bad += status == STACK_LEFT && !nr_things && *saved != '\0' && down();
		bad += down() != STACK_OK || nr_things;
	}
	ok(!bad && left, "what undo could not remove is in the record, for down");
}

/* SIGKILL at each call: the next run finds its way. */
static void test_death(void)
{
	static struct stack record;
	volatile unsigned int n, bad_up = 0, bad_down = 0, deaths = 0;
	unsigned int total;

	reset();
	up(set);
	total = calls;
	for (n = 1; n <= total; n++) {
		for (volatile int way = 0; way < 2; way++) {
			reset();
			die_at = n;
			if (setjmp(died))
				deaths++;
			else
				run(true, set, &record);
			die_at = 0;
			if (way && (up(set) != STACK_OK || nr_things != NR_OBJECTS))
				bad_up++;
			if (down() != STACK_OK || nr_things || *saved)
				bad_down++;
		}
	}
	ok(deaths == 2 * total && !bad_up, "killed at each call, then up again");
	if (!ok(!bad_down, "and down leaves nothing"))
		printf("# %u of %u\n", bad_down, deaths);
}

static void test_record(void)
{
	struct stack record, again;
	json_object *root, *back;

	reset();
	run(true, set, &record);
	root = stack_to_json(&record);
	back = json_tokener_parse(json_object_to_json_string(root));
	ok(!stack_from_json(back, &again) && again.nr == record.nr, "a record, and back");
	json_object_put(back);
	back = stack_to_json(&again);
	ok(json_object_equal(root, back), "with everything");
	json_object_object_add(back, "version", json_object_new_int(99));
	stack_free(&again);
	ok(stack_from_json(back, &again) < 0, "another version's is refused");
	stack_free(&again);
	json_object_put(back);
	json_object_put(root);
	stack_free(&record);
}

int main(void)
{
	test_parse();
	test_words();
	test_order();
	test_changes();
	test_failures();
	test_undo_fails();
	test_death();
	test_record();
	return tap_done();
}
