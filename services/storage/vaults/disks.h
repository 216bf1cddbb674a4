// SPDX-License-Identifier: Apache-2.0
/* On which physical disks does a path lie? /proc/self/mountinfo → /sys, through partitions, device
 * mapper, md, loop files and btrfs (docs/spec/storage.md ST-60). */
#pragma once

#include "common/base/base.h"

#define DISKS_MAX 32
#define DISK_NAME 64

struct disks {
	char names[DISKS_MAX][DISK_NAME]; /* "sda", or "server:HOST" of a network file system */
	size_t n;
	bool is_volatile; /* tmpfs, ramfs */
	bool overlay;     /* a container's root: no disk of its own */
	bool unknown;     /* something could not be followed */
	char what[128];   /* which */
};

struct disks_tree; /* a parsed mount table */
/* root: prefix of /proc, /sys and all paths, "" = the machine. NULL when it cannot be read. */
struct disks_tree *disks_tree_new(const char *root) must_check;
void disks_tree_free(struct disks_tree *t);

/* Adds the disks under path; a path that does not exist adds nothing and returns false. */
bool disks_of_path(const struct disks_tree *t, const char *path, struct disks *add);
/* Of a block device by its kernel name ("sda1"). */
bool disks_of_device(const struct disks_tree *t, const char *name, struct disks *add);
/* The path without symbolic links, as seen in the tree; NULL when absent. free() it. */
char *disks_real_path(const struct disks_tree *t, const char *path);
/* Where file systems are mounted on directories, each seen and not hidden by another: calls fn for
 * those that lie on disks or servers. */
struct disks_mount {
	const char *point, *type, *source;
	bool read_only;
};
void disks_each_mount(
	const struct disks_tree *t, void (*fn)(void *arg, const struct disks_mount *m), void *arg);
/* What the kernel says of a disk: "serial", "removable", "size" (of 512 bytes) …; "" = nothing. */
void disks_property(
	const struct disks_tree *t, const char *disk, const char *name, char *out, size_t size);
/* Label of the file system on this device; "" = none. */
void disks_label(const struct disks_tree *t, const char *source, char *out, size_t size);
/* A disk in both, or NULL. */
const char *disks_common(const struct disks *a, const struct disks *b);
const char *disks_root(const struct disks_tree *t);
