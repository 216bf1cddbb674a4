// SPDX-License-Identifier: Apache-2.0
/* The directory of a simulated Ricoh as the control port shows and takes it. */
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/simulator/ricoh.h"

static void hash_object(struct sha256 *h, const struct ricoh_object *o)
{
	for (int i = 0; i < RICOH_PROPS; i++) {
		const char *s = ricoh_value(o, i);
		if (!ricoh_known[i].hidden &&
			strcmp(ricoh_known[i].name, "lastAccessDateTime") != 0)
			sha256_add(h, (struct span){(const uint8_t *)s, strlen(s) + 1});
	}
}

static json_t *object_json(const struct ricoh_object *o)
{
	json_t *j = json_pack("{s:I}", "id", (json_int_t)o->id);
	bool secret = false;

	for (int i = 0; i < RICOH_PROPS; i++) {
		if (ricoh_known[i].hidden)
			secret |= *ricoh_value(o, i) != 0;
		else
			(void)json_object_set_new(
				j, ricoh_known[i].name, json_string(ricoh_value(o, i)));
	}
	(void)json_object_set_new(j, "has_password", json_boolean(secret));
	return j;
}

json_t *ricoh_to_json(struct device *d)
{
	const struct ricoh_store *s = ricoh_store(d);
	struct sha256 *h = sha256_new();
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].built_in)
			continue;
		hash_object(h, &s->v[i]);
		(void)json_array_append_new(list, object_json(&s->v[i]));
	}
	sha256_end(h, hash);
	hex_encode((struct span){.p = hash, .n = sizeof(hash)}, hex);
	if (!ricoh_session(d))
		ricoh_store_rest(d);
	return json_pack("{s:s, s:s, s:o}", "device", d->name, "sha256", hex, "entries", list);
}

static int set_all(struct ricoh_object *o, json_t *j, struct fault *reterr)
{
	const char *name;
	const json_t *v;

	json_object_foreach(j, name, v)
	{
		if (strcmp(name, "id") == 0 || strcmp(name, "has_password") == 0 ||
			strcmp(name, "remove") == 0)
			continue;
		if (ricoh_prop(name) < 0 || !json_is_string(v))
			return fault_set(
				reterr, CN_VALIDATION_FAILED, "no such property: %s", name);
		ricoh_set(o, ricoh_prop(name), json_string_value(v));
	}
	return 0;
}

int ricoh_from_json(struct device *d, const json_t *entries, struct fault *reterr)
{
	struct ricoh *p = ricoh_of(d);
	struct ricoh_store *s = mem_alloc(sizeof(*s));
	int rc = json_is_array(entries)
			 ? 0
			 : fault_set(reterr, CN_VALIDATION_FAILED, "entries is no array");

	for (size_t i = 0; i < json_array_size(entries) && rc == 0; i++) {
		json_t *j = json_array_get(entries, i);
		struct ricoh_object *o = ricoh_add(s);
		const json_t *id = json_object_get(j, "id");
		if (json_is_integer(id))
			o->id = (uint32_t)json_integer_value(id);
		if (o->id > s->next_id)
			s->next_id = o->id;
		rc = set_all(o, j, reterr);
	}
	if (rc < 0) {
		ricoh_store_free(s);
		return -1;
	}
	ricoh_add_own(s);
	ricoh_store_free(p->store);
	p->store = s;
	ricoh_settle(d);
	return 0;
}

int ricoh_edit(struct device *d, json_t *j, struct fault *reterr)
{
	struct ricoh_store *s = ricoh_store(d);
	const json_t *id = json_object_get(j, "id");
	struct ricoh_object *o = json_is_integer(id)
					 ? ricoh_find(s, (uint32_t)json_integer_value(id))
					 : ricoh_add(s);

	if (!o)
		return fault_set(reterr, CN_NOT_FOUND, "no such entry");
	if (json_is_true(json_object_get(j, "remove"))) {
		ricoh_remove(s, o->id);
	} else if (set_all(o, j, reterr) < 0) {
		return -1;
	}
	ricoh_settle(d);
	return 0;
}
