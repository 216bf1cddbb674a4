// SPDX-License-Identifier: Apache-2.0
/* From a path to its disks. */
#include "services/storage/vaults/disks.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8

static const char *const network[] = {"nfs", "nfs4", "cifs", "smb3", NULL};

struct mount {
	unsigned major, minor;
	char *point, *type, *source;
	bool read_only;
};

struct disks_tree {
	char root[PATH_MAX];
	struct mount *mounts;
	size_t n;
};

/* Text that is cut when it does not fit: then nothing is found there. */
static void printf_like(3, 4) put(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(out, size, fmt, ap);
	va_end(ap);
}

/* ---- mount table ---- */

/* Blanks and backslashes stand as \ooo. */
static char *unescape(const char *s)
{
	char *out = mem_strdup(s), *w = out;
	for (const char *p = s; *p != 0;) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] != 0 && p[3] != 0) {
			*w++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 4;
		} else {
			*w++ = *p++;
		}
	}
	*w = 0;
	return out;
}

/* "36 35 98:0 /root /point options tags… - type source options" */
static bool parse_line(char *line, struct mount *m)
{
	char *rest = line, *field[16];
	size_t n = 0, dash = 0;
	while (n < array_len(field) && (field[n] = strsep(&rest, " \n")) != NULL) {
		if (n >= 6 && dash == 0 && strcmp(field[n], "-") == 0)
			dash = n;
		n++;
	}
	if (dash == 0 || dash + 2 >= n || sscanf(field[2], "%u:%u", &m->major, &m->minor) != 2)
		return false;
	m->read_only = strncmp(field[5], "ro", 2) == 0 && (field[5][2] == ',' || field[5][2] == 0);
	m->point = unescape(field[4]);
	m->type = mem_strdup(field[dash + 1]);
	m->source = unescape(field[dash + 2]);
	return true;
}

struct disks_tree *disks_tree_new(const char *root)
{
	char path[PATH_MAX], line[PATH_MAX * 3];
	put(path, sizeof(path), "%s/proc/self/mountinfo", root);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	struct disks_tree *t = mem_alloc(sizeof(*t));
	if (root[0] == 0 || realpath(root, t->root) == NULL)
		t->root[0] = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		t->mounts = mem_realloc(t->mounts, (t->n + 1) * sizeof(*t->mounts));
		t->n += parse_line(line, &t->mounts[t->n]);
	}
	(void)fclose(f);
	return t;
}

void disks_tree_free(struct disks_tree *t)
{
	for (size_t i = 0; t != NULL && i < t->n; i++) {
		free(t->mounts[i].point);
		free(t->mounts[i].type);
		free(t->mounts[i].source);
	}
	if (t != NULL)
		free(t->mounts);
	free(t);
}

const char *disks_root(const struct disks_tree *t)
{
	return t->root;
}

static bool below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strcmp(folder, "/") == 0 ||
	       (strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/'));
}

/* The deepest mount above path; of several at one point the last hides the others. */
static const struct mount *mount_of(const struct disks_tree *t, const char *path)
{
	const struct mount *best = NULL;
	for (size_t i = 0; i < t->n; i++)
		if (below(path, t->mounts[i].point) &&
			(best == NULL || strlen(t->mounts[i].point) >= strlen(best->point)))
			best = &t->mounts[i];
	return best;
}

char *disks_real_path(const struct disks_tree *t, const char *path)
{
	char whole[PATH_MAX * 2];
	put(whole, sizeof(whole), "%s%s", t->root, path);
	char *real = realpath(whole, NULL);
	if (real == NULL || t->root[0] == 0)
		return real;
	char *inside = below(real, t->root) && strlen(real) > strlen(t->root)
			       ? mem_strdup(real + strlen(t->root))
			       : mem_strdup("/");
	free(real);
	return inside;
}

/* ---- devices ---- */

static void add(struct disks *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->names[i], name) == 0)
			return;
	if (d->n < DISKS_MAX)
		put(d->names[d->n++], DISK_NAME, "%s", name);
}

static void lost(struct disks *d, const char *what)
{
	d->unknown = true;
	if (d->what[0] == 0)
		put(d->what, sizeof(d->what), "%s", what);
}

static bool has(const char *dir, const char *name)
{
	char path[PATH_MAX * 2];
	put(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void climb(const struct disks_tree *t, const char *dir, unsigned depth, struct disks *d);
static bool of_path(const struct disks_tree *t, const char *path, unsigned depth, struct disks *d);

/* Below a layer (device mapper, LUKS, md) lie its slaves. False when it has none. */
static bool climb_slaves(
	const struct disks_tree *t, const char *dir, unsigned depth, struct disks *d)
{
	char path[PATH_MAX * 2], slave[PATH_MAX];
	bool any = false;
	put(path, sizeof(path), "%s/slaves", dir);
	DIR *list = opendir(path);
	struct dirent *e;
	while (list != NULL && (e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		any = true;
		put(path, sizeof(path), "%s/slaves/%s", dir, e->d_name);
		if (realpath(path, slave) == NULL)
			lost(d, e->d_name);
		else
			climb(t, slave, depth + 1, d);
	}
	if (list != NULL)
		closedir(list);
	return any;
}

static bool climb_loop(const struct disks_tree *t, const char *dir, unsigned depth, struct disks *d)
{
	char path[PATH_MAX * 2], file[PATH_MAX] = "";
	put(path, sizeof(path), "%s/loop/backing_file", dir);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(file, sizeof(file), f) != NULL)
		file[strcspn(file, "\n")] = 0;
	(void)fclose(f);
	if (!of_path(t, file, depth + 1, d))
		lost(d, file);
	return true;
}

/* Depth is bounded. NOLINTNEXTLINE(misc-no-recursion) */
static void climb(const struct disks_tree *t, const char *dir, unsigned depth, struct disks *d)
{
	char up[PATH_MAX];
	if (depth > DEPTH_MAX) {
		lost(d, dir);
		return;
	}
	put(up, sizeof(up), "%s", dir);
	if (has(dir, "partition")) {
		char *slash = strrchr(up, '/');
		if (slash != NULL)
			*slash = 0;
	}
	if (climb_slaves(t, up, depth, d) || climb_loop(t, up, depth, d))
		return;
	const char *name = strrchr(up, '/');
	add(d, name == NULL ? up : name + 1);
}

static bool climb_link(
	const struct disks_tree *t, const char *link, unsigned depth, struct disks *d)
{
	char path[PATH_MAX * 2], dir[PATH_MAX];
	put(path, sizeof(path), "%s%s", t->root, link);
	if (realpath(path, dir) == NULL)
		return false;
	climb(t, dir, depth, d);
	return true;
}

bool disks_of_device(const struct disks_tree *t, const char *name, struct disks *d)
{
	char link[PATH_MAX];
	put(link, sizeof(link), "/sys/class/block/%s", name);
	return climb_link(t, link, 0, d);
}

/* ---- file systems ---- */

/* All devices of the btrfs that has this one. */
static bool of_btrfs(
	const struct disks_tree *t, const char *device, unsigned depth, struct disks *d)
{
	char path[PATH_MAX + 64], link[PATH_MAX * 2];
	bool found = false;
	put(path, sizeof(path), "%s/sys/fs/btrfs", t->root);
	DIR *all = opendir(path);
	struct dirent *fs, *e;
	while (all != NULL && (fs = readdir(all)) != NULL) {
		put(link, sizeof(link), "%s/%s/devices/%s", path, fs->d_name, device);
		if (fs->d_name[0] == '.' || access(link, F_OK) != 0)
			continue;
		put(link, sizeof(link), "%s/%s/devices", path, fs->d_name);
		DIR *devices = opendir(link);
		while (devices != NULL && (e = readdir(devices)) != NULL) {
			put(link, sizeof(link), "/sys/fs/btrfs/%s/devices/%s", fs->d_name,
				e->d_name);
			if (e->d_name[0] != '.')
				found = climb_link(t, link, depth, d) || found;
		}
		if (devices != NULL)
			closedir(devices);
	}
	if (all != NULL)
		closedir(all);
	return found;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* "server:/path" or "//server/share" */
static void of_network(const char *source, struct disks *d)
{
	char name[DISK_NAME];
	if (source[0] == '/' && source[1] == '/')
		put(name, sizeof(name), "server:%.*s", (int)strcspn(source + 2, "/"), source + 2);
	else if (source[0] == '[')
		put(name, sizeof(name), "server:%.*s", (int)strcspn(source + 1, "]"), source + 1);
	else
		put(name, sizeof(name), "server:%.*s", (int)strcspn(source, ":"), source);
	add(d, name);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static bool of_path(const struct disks_tree *t, const char *path, unsigned depth, struct disks *d)
{
	static const char *const in_memory[] = {"tmpfs", "ramfs", "ramdisk", NULL};
	static const char *const layered[] = {"overlay", "aufs", NULL};
	char link[64];
	char *real = disks_real_path(t, path);
	const struct mount *m = real == NULL ? NULL : mount_of(t, real);
	free(real);
	if (m == NULL)
		return false;
	put(link, sizeof(link), "/sys/dev/block/%u:%u", m->major, m->minor);
	if (is_one_of(m->type, in_memory))
		d->is_volatile = true;
	else if (is_one_of(m->type, layered))
		d->overlay = true;
	else if (is_one_of(m->type, network))
		of_network(m->source, d);
	else if (strcmp(m->type, "btrfs") == 0 ? !of_btrfs(t, base_name(m->source), depth, d)
					       : !climb_link(t, link, depth, d))
		lost(d, m->source);
	return true;
}

/* ---- what people choose from ---- */

void disks_each_mount(
	const struct disks_tree *t, void (*fn)(void *arg, const struct disks_mount *m), void *arg)
{
	char path[PATH_MAX * 2];
	struct stat st;
	for (size_t i = 0; i < t->n; i++) {
		const struct mount *m = &t->mounts[i];
		bool on_disk = m->major != 0 || is_one_of(m->type, network) ||
			       strcmp(m->type, "btrfs") == 0;
		put(path, sizeof(path), "%s%s", t->root, m->point);
		if (on_disk && mount_of(t, m->point) == m && stat(path, &st) == 0 &&
			S_ISDIR(st.st_mode))
			fn(arg, &(struct disks_mount){m->point, m->type, m->source, m->read_only});
	}
}

void disks_property(
	const struct disks_tree *t, const char *disk, const char *name, char *out, size_t size)
{
	char path[PATH_MAX * 2];
	out[0] = 0;
	put(path, sizeof(path), "%s/sys/class/block/%s/%s", t->root, disk, name);
	FILE *f = fopen(path, "re");
	if (f != NULL && fgets(out, (int)size, f) != NULL)
		out[strcspn(out, "\n ")] = 0;
	if (f != NULL)
		(void)fclose(f);
}

void disks_label(const struct disks_tree *t, const char *source, char *out, size_t size)
{
	char path[PATH_MAX * 2], link[PATH_MAX + 64];
	struct dirent *e;
	out[0] = 0;
	put(path, sizeof(path), "%s/dev/disk/by-label", t->root);
	DIR *d = opendir(path);
	while (d != NULL && out[0] == 0 && (e = readdir(d)) != NULL) {
		put(link, sizeof(link), "/dev/disk/by-label/%s", e->d_name);
		char *real = e->d_name[0] == '.' ? NULL : disks_real_path(t, link);
		if (real != NULL && strcmp(base_name(real), base_name(source)) == 0)
			put(out, size, "%s", e->d_name);
		free(real);
	}
	if (d != NULL)
		closedir(d);
}

bool disks_of_path(const struct disks_tree *t, const char *path, struct disks *d)
{
	return of_path(t, path, 0, d);
}

const char *disks_common(const struct disks *a, const struct disks *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (strcmp(a->names[i], b->names[j]) == 0)
				return a->names[i];
	return NULL;
}
