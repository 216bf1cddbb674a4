// SPDX-License-Identifier: Apache-2.0
/* The culprit slot. Files culprit.0 … culprit.63; a lock on the file says that its owner lives. */
#include "services/worker/culprit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gen/errors.h"

#define SLOTS 64
#define MAGIC 0x43524e54u

/* On disk in our own byte order: it never leaves the machine. */
struct slot {
	uint32_t magic;
	uint32_t attempt;
	uint8_t worker[16];
	uint8_t job[16];
	char phase[16];
	uint8_t pad[8];
};
_Static_assert(sizeof(struct slot) == 64, "one cache line, one record");

static struct slot nowhere; /* until a file is there */
static struct slot *slot = &nowhere;
static int slot_fd = -1;

static bool take_dead(const struct slot *s, struct culprit *ret)
{
	if (s->magic != MAGIC)
		return false;
	*ret = (struct culprit){.attempt = s->attempt};
	memcpy(ret->worker.b, s->worker, 16);
	memcpy(ret->job.b, s->job, 16);
	memcpy(ret->phase, s->phase, sizeof(ret->phase));
	ret->phase[sizeof(ret->phase) - 1] = 0;
	return true;
}

/* Opens and locks slot i. -1 = its owner lives, or no file can be made (errno). */
static int open_slot(const char *dir, int i)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/culprit.%d", dir, i);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, sizeof(struct slot)) < 0) {
		close(fd);
		errno = EWOULDBLOCK;
		return -1;
	}
	return fd;
}

static int map_slot(int fd)
{
	void *p = mmap(NULL, sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	slot = p;
	slot_fd = fd;
	return 0;
}

int culprit_open(const char *dir, const struct uuid *worker, struct culprit *ret_dead, size_t max,
	size_t *ret_n, struct fault *reterr)
{
	size_t n = 0;

	for (int i = 0; *dir && i < SLOTS; i++) {
		struct slot old = {.magic = 0};
		int fd = open_slot(dir, i);

		if (fd < 0 && errno != EWOULDBLOCK)
			return fault_set(reterr, CN_INTERNAL_ERROR, "state_dir %s: %s", dir,
				strerror(errno));
		if (fd < 0)
			continue;
		if (pread(fd, &old, sizeof(old), 0) == sizeof(old) && n < max &&
			take_dead(&old, &ret_dead[n]))
			n++;
		if (slot_fd < 0 && map_slot(fd) == 0) {
			if (old.magic != MAGIC)
				break; /* a fresh file: no dead worker stands behind it */
			continue;
		}
		/* somebody else's record, now told: forget it */
		(void)!ftruncate(fd, 0);
		close(fd);
		if (old.magic != MAGIC)
			break;
	}
	memset(slot, 0, sizeof(*slot));
	slot->magic = MAGIC;
	memcpy(slot->worker, worker->b, 16);
	*ret_n = n;
	return 0;
}

void culprit_enter(const struct uuid *job, uint32_t attempt, const char *phase)
{
	slot->attempt = attempt;
	memcpy(slot->job, job->b, 16);
	strncpy(slot->phase, phase, sizeof(slot->phase) - 1);
}

void culprit_leave(void)
{
	memset(slot->job, 0, 16);
}

void culprit_close(void)
{
	memset(slot, 0, sizeof(*slot));
	if (slot_fd >= 0)
		close(slot_fd);
	slot_fd = -1;
	slot = &nowhere;
}
