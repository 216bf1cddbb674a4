// SPDX-License-Identifier: Apache-2.0
/* The families there are, and who belongs to which. */
#include "services/simulator/sim.h"

const struct family *const families[] = {&family_canon_rui, &family_konica_openapi,
	&family_kyocera_wsdl, &family_ricoh_udirectory, NULL};

static uint32_t weight(const struct fleet *f, const struct family *family)
{
	const json_t *w = json_object_get(json_object_get(f->spec, "families"), family->key);

	return json_is_integer(w) ? (uint32_t)json_integer_value(w) : 0;
}

/* A stream of its own: fleets without other families stay as they were, byte for byte. */
const struct family *family_pick(const struct fleet *f, uint32_t device)
{
	struct rng r = rng_of(f->seed, device, RNG_FAMILY);
	uint32_t sum = 0;

	for (size_t i = 0; families[i]; i++)
		sum += weight(f, families[i]);
	uint32_t at = sum ? rng_below(&r, sum) : 0;
	for (size_t i = 0; sum && families[i]; i++) {
		if (at < weight(f, families[i]))
			return families[i];
		at -= weight(f, families[i]);
	}
	return &family_canon_rui;
}
