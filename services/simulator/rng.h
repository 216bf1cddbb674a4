// SPDX-License-Identifier: Apache-2.0
/* Numbers that look random and derive from the seed alone: splitmix64, one stream per purpose. */
#pragma once

#include "common/base/base.h"

struct rng {
	uint64_t state;
};

/* What a stream is for; a new purpose never moves the others. */
enum rng_purpose {
	RNG_FLEET = 1,
	RNG_DEVICE,
	RNG_FAULTS,
	RNG_LATENCY,
	RNG_SESSION,
	RNG_FAMILY,
	RNG_MENU,
	RNG_SETTING = 50, /* + bit of the item */
	RNG_LIST = 100,   /* + item */
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline struct rng rng_of(uint64_t seed, uint32_t device, uint32_t purpose)
{
	struct rng r = {.state = seed * 0x2545f4914f6cdd1du + device};

	r.state = rng_next(&r) + purpose;
	r.state = rng_next(&r);
	return r;
}

/* 0 … n - 1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

static inline bool rng_chance(struct rng *r, uint32_t per_mille)
{
	return rng_below(r, 1000) < per_mille;
}

#define rng_pick(r, table) ((table)[rng_below((r), (uint32_t)array_len(table))])
