// SPDX-License-Identifier: Apache-2.0
/* From the device to storage: what was read waits here in memory until a stream to storage is free,
 * then goes out chunk by chunk, one outstanding. When too much waits, the device is paused: that is
 * the back pressure. A small list is whole and checked before storage hears of it. Loop thread
 * only. */
#pragma once

#include "common/base/list.h"
#include "common/service/service.h"
#include "gen/msg.h"

#define SPOOL_ITEMS 16u

/* Shared by all sessions of a worker. */
struct spooler {
	struct peer *storage;
	size_t streams, streams_max; /* open now */
	size_t bytes, bytes_max;     /* waiting in memory, of all sessions */
	struct list queue;           /* spools that want a stream */
};

enum spool_state {
	SPOOL_FILLING,
	SPOOL_QUEUED,
	SPOOL_OPENING,
	SPOOL_OPEN,
	SPOOL_COMMITTING,
	SPOOL_CLOSED
};

struct spool_item {
	const char *name;
	struct buf data; /* not yet sent */
	uint64_t sent;
	bool whole; /* nothing more comes */
	bool told;  /* its last byte was sent */
};

struct spool {
	struct spooler *shared;
	struct list node; /* in shared->queue */
	enum spool_state state;
	struct spool_item items[SPOOL_ITEMS];
	size_t n_items;
	size_t at;        /* item being sent */
	size_t bytes;     /* waiting in memory */
	uint64_t total;   /* bytes taken from the device */
	bool finished;    /* the device has given everything */
	bool paused;      /* somebody waits for room */
	bool outstanding; /* a call to storage is under way */
	bool stirred;     /* storage heard of the stream since the last spool_awake */
	bool dropped;     /* the session wants to be rid of it */
	struct uuid stream, trace;
	unsigned begins;   /* instances asked for a stream */
	uint64_t instance; /* of storage: a stream lives there */
	size_t chunk_max;
	struct fault fault;
	struct m_stored result; /* of an earlier attempt of this job, or of commit */
	bool have_result;

	/* ---- the session's part ---- */
	void *arg;
	/* fills the begin message; its texts must live until the call was made */
	void (*about)(void *arg, struct m_store_begin *ret);
	void (*room)(void *arg);                          /* after a pause */
	void (*failed)(void *arg, const struct fault *f); /* in the middle: read no further */
	void (*sent)(void *arg); /* after spool_finish: all is with storage */
	void (*committed)(void *arg, const struct fault *f);
	void (*gone)(void *arg); /* after spool_drop */
};

void spooler_init(struct spooler *s, struct peer *storage, size_t streams_max, size_t bytes_max);

void spool_init(struct spool *s, struct spooler *shared, void *arg);
/* Items in order: item, bytes…, item_end. false: too many items. */
bool spool_item(struct spool *s, const char *name);
/* false: no room now, the same bytes are to come again after room(). */
bool spool_bytes(struct spool *s, struct span bytes);
void spool_item_end(struct spool *s);
/* Each beat of the worker: a device may take longer for a list than storage waits for the next
 * byte; a stream that is open and at rest says that its sender lives. */
void spool_awake(struct spool *s);
/* Everything is here. Later sent(), or failed(). */
void spool_finish(struct spool *s);
/* Later committed(); the result is in s->result. */
void spool_commit(struct spool *s, const struct m_store_commit *about);
/* Ends it wherever it is. Later gone(), maybe from inside the call; then the memory is free. */
void spool_drop(struct spool *s, const struct fault *why);
