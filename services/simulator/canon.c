// SPDX-License-Identifier: Apache-2.0
/* Family canon_rui: its models. Remote UI: rui.c. */
#include "services/simulator/sim.h"

static const struct model MODELS[] = {
	{.name = "iR-ADV C5235", .type = TYPE_I},
	{.name = "iR-ADV C7065", .type = TYPE_I},
	{.name = "iR-ADV C5560", .type = TYPE_I, .utf8 = true},
	{.name = "iR-ADV DX C5860", .type = TYPE_I, .utf8 = true},
	{.name = "iR 1435", .type = TYPE_II, .utf8 = true},
	{.name = "iR C1225", .type = TYPE_II, .utf8 = true},
	{.name = "MF525x", .type = TYPE_III, .utf8 = true},
	{.name = "MF746Cx", .type = TYPE_III, .utf8 = true},
	{.name = "LBP710Cx", .type = TYPE_NONE, .utf8 = true, .unsupported = true},
};

static uint32_t weight_of(const json_t *types, const char *type, uint32_t otherwise)
{
	const json_t *w = json_object_get(types, type);

	return json_is_integer(w) ? (uint32_t)json_integer_value(w) : otherwise;
}

/* Models of one kind lie together in MODELS; without a stream the print-only one. */
static const struct model *pick(const struct device *d, struct rng *r)
{
	const json_t *types = json_object_get(d->sim->fleet.spec, "types");
	uint32_t one = weight_of(types, "I", 70), two = weight_of(types, "II", 18);
	uint32_t three = weight_of(types, "III", 12);

	if (!r)
		return &MODELS[array_len(MODELS) - 1];
	uint32_t at = rng_below(r, one + two + three + !one);
	if (at < one)
		return &MODELS[d->language == 2 ? 2 + rng_below(r, 2) : rng_below(r, 4)];
	return &MODELS[(at < one + two ? 4 : 6) + rng_below(r, 2)];
}

const struct family family_canon_rui = {
	.key = "canon_rui",
	.vendor = "Canon",
	.firmware = "71.05",
	.service = "http",
	.port = 8000,
	.pick = pick,
	.serve = rui_serve,
};
