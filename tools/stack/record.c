// SPDX-License-Identifier: GPL-2.0
/*
 * What has been made, as a piece of JSON, and back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "stack.h"

#define RECORD_VERSION	1

/**
 * stack_to_json() - a record as JSON
 * @record: record
 */
json_object *stack_to_json(const struct stack *record)
{
	json_object *root = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(root, "version", json_object_new_int(RECORD_VERSION));
	json_object_object_add(root, "name", json_object_new_string(record->name));
	for (size_t i = 0; i < record->nr; i++) {
		const struct stack_object *o = &record->objects[i];
		json_object *one = json_object_new_object();

		json_object_object_add(one, "kind",
				       json_object_new_string(stack_kind_name(o->kind)));
		json_object_object_add(one, "name", json_object_new_string(o->name));
		if (o->place)
			json_object_object_add(one, "place", json_object_new_string(o->place));
		json_object_object_add(one, "identity", json_object_new_uint64(o->identity));
		json_object_object_add(one, "up", json_object_new_boolean(o->state == STACK_UP));
		json_object_object_add(one, "said", json_object_get(o->said));
		json_object_array_add(list, one);
	}
	json_object_object_add(root, "objects", list);
	return root;
}

static int add_one(struct stack *record, json_object *one)
{
	const char *kind = stack_text(one, "kind"), *name = stack_text(one, "name");
	const char *place = stack_text(one, "place");
	json_object *said = json_object_object_get(one, "said");
	struct stack_object *o;
	unsigned int k = 0;
	int ret;

	while (kind && k < STACK_NR_KINDS && strcmp(kind, stack_kind_name(k)))
		k++;
	if (!kind || k == STACK_NR_KINDS || !name || !json_object_is_type(said, json_type_object))
		return vl_error(0, "an object of no kind, name or description");
	ret = stack_add(record, k, name, said);
	if (ret)
		return ret;
	o = &record->objects[record->nr - 1];
	o->identity = json_object_get_uint64(json_object_object_get(one, "identity"));
	o->state = json_object_get_boolean(json_object_object_get(one, "up")) ?
		   STACK_UP : STACK_MAKING;
	if (place) {
		o->place = strdup(place);
		if (!o->place)
			return vl_error(ENOMEM, "record");
	}
	return 0;
}

/**
 * stack_from_json() - a record from JSON
 * @root: JSON
 * @record: filled in; to be freed with stack_free() in any case
 */
int stack_from_json(json_object *root, struct stack *record)
{
	json_object *list = json_object_object_get(root, "objects");
	const char *name = stack_text(root, "name");
	int ret = 0;
	size_t n;

	*record = (struct stack){};
	if (json_object_get_int(json_object_object_get(root, "version")) != RECORD_VERSION ||
	    !name || !stack_name_ok(name) || !json_object_is_type(list, json_type_array))
		return vl_error(0, "no record of this version");
	strcpy(record->name, name);
	n = json_object_array_length(list);
	for (size_t i = 0; !ret && i < n; i++)
		ret = add_one(record, json_object_array_get_idx(list, i));
	return ret;
}
