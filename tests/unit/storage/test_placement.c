// SPDX-License-Identifier: Apache-2.0
/* dest_not_system_volume: ST-59..66 over made-up /proc and /sys trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/errors.h"
#include "services/storage/vaults/placement.h"

static char root[64];

static void path_of(char out[static 512], const char *path)
{
	(void)snprintf(out, 512, "%s%s", root, path);
}

static void folder(const char *path)
{
	char whole[512];
	path_of(whole, path);
	for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = 0;
		(void)mkdir(whole, 0700);
		*p = '/';
	}
	(void)mkdir(whole, 0700);
}

static void put_file(const char *path, const char *text)
{
	char whole[512], parent[512];
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	folder(parent);
	path_of(whole, path);
	FILE *f = fopen(whole, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void put_link(const char *target, const char *path)
{
	char whole[512], parent[512];
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	folder(parent);
	path_of(whole, path);
	assert_int_equal(symlink(target, whole), 0);
}

/* A disk with one partition; device numbers major:0 and major:1. */
static void disk(const char *name, int major)
{
	char path[256], target[256];
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s1/partition", name, name);
	put_file(path, "1\n");
	(void)snprintf(target, sizeof(target), "../../devices/%s", name);
	(void)snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	put_link(target, path);
	(void)snprintf(target, sizeof(target), "../../devices/%s/%s1", name, name);
	(void)snprintf(path, sizeof(path), "/sys/class/block/%s1", name);
	put_link(target, path);
	(void)snprintf(target, sizeof(target), "../../devices/%s/%s1", name, name);
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%d:1", major);
	put_link(target, path);
}

/* A mapped device (dm, md) over a partition. */
static void layer(const char *name, int minor, const char *disk_name)
{
	char path[256], target[256];
	(void)snprintf(path, sizeof(path), "/sys/devices/virtual/%s/slaves/%s1", name, disk_name);
	(void)snprintf(target, sizeof(target), "../../../%s/%s1", disk_name, disk_name);
	put_link(target, path);
	(void)snprintf(path, sizeof(path), "/sys/dev/block/253:%d", minor);
	(void)snprintf(target, sizeof(target), "../../devices/virtual/%s", name);
	(void)unlink(path);
	put_link(target, path);
}

static void tree(const char *mounts)
{
	char command[512];
	(void)snprintf(root, sizeof(root), "/tmp/carnet-place-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(
		command, sizeof(command), "mkdir -p %s/vault %s/pg %s/run", root, root, root);
	assert_int_equal(system(command), 0);
	disk("sda", 8);
	disk("sdb", 9);
	disk("sdc", 10);
	put_file("/proc/self/mountinfo", mounts);
	put_file("/run/.s.PGSQL.5432.lock", "1\n/pg\n2\n");
}

static struct placement_ask ask_of(void)
{
	return (struct placement_ask){.root = root,
		.vault_name = "main",
		.vault = "/vault",
		.kek_file = "",
		.database = "host=/run dbname=carnet",
		.database_disk = "",
		.system_disks = "",
		.accept_reason = ""};
}

static void end(void)
{
	char command[512];
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* "" = accepted, else the reason word. */
static void expect(const struct placement_ask *ask, const char *reason)
{
	struct placement p = {.overridden = false};
	struct fault f = FAULT_INIT;
	int rc = placement_check(ask, &p, &f);
	if (strcmp(f.reason, reason) != 0)
		print_error("%s: %s\n", f.reason, f.detail);
	assert_string_equal(f.reason, reason);
	assert_int_equal(rc, reason[0] == 0 ? 0 : -1);
	if (rc < 0)
		assert_int_equal(f.code, CN_DESTINATION_REFUSED);
}

#define ROOT_SDA "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
#define PG_SDC "3 1 10:1 / /pg rw - ext4 /dev/sdc1 rw\n"

static void a_disk_of_its_own_is_accepted(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw shared:1 - ext4 /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "");
	end();
}

static void the_system_disk_is_refused_st_65(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC);
	struct placement_ask ask = ask_of();
	struct placement p;
	struct fault f;
	expect(&ask, "same_disk");
	assert_int_equal(placement_check(&ask, &p, &f), -1);
	assert_non_null(strstr(f.detail, "disk sda"));
	assert_non_null(strstr(f.detail, "the system (/)"));
	/* another partition of it, and a swap disk, are no better */
	put_file("/proc/swaps", "Filename Type\n/dev/sdb1 partition\n");
	put_file("/proc/self/mountinfo",
		ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n");
	expect(&ask, "same_disk");
	end();
}

static void the_database_disk_is_refused_st_62(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 10:1 / /vault rw - ext4 /dev/sdc1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "same_disk");
	end();
}

static void a_database_nobody_can_see_must_be_declared_st_62(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	ask.database = "host=db.example.org dbname=carnet";
	expect(&ask, "unknown");
	ask.database_disk = "db.example.org";
	expect(&ask, "");
	ask.database_disk = "/pg";
	expect(&ask, "");
	ask.database_disk = "/vault";
	expect(&ask, "same_disk");
	put_link("../../sdb1", "/dev/disk/by-uuid/0815");
	put_file("/dev/sdb1", "");
	ask.database_disk = "UUID=0815";
	expect(&ask, "same_disk");
	ask.database_disk = "UUID=4711";
	expect(&ask, "unknown");
	end();
}

static void layers_are_climbed_down_to_disks_st_60(void **state)
{
	(void)state;
	/* LUKS on LVM on sda, and on sdb */
	tree(ROOT_SDA PG_SDC "2 1 253:0 / /vault rw - ext4 /dev/mapper/v rw\n");
	struct placement_ask ask = ask_of();
	layer("dm-0", 0, "sdb");
	expect(&ask, "");
	put_link("../../../sda/sda1",
		"/sys/devices/virtual/dm-0/slaves/sda1"); /* a mirror over both */
	expect(&ask, "same_disk");
	end();
}

static void a_loop_file_lies_where_its_file_lies(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 7:0 / /vault rw - ext4 /dev/loop0 rw\n");
	struct placement_ask ask = ask_of();
	put_file("/sys/devices/virtual/loop0/loop/backing_file", "/disk.img\n");
	put_link("../../devices/virtual/loop0", "/sys/dev/block/7:0");
	expect(&ask, "unknown");
	put_file("/disk.img", "");
	expect(&ask, "same_disk");
	end();
}

static void btrfs_counts_all_its_devices(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 0:44 / /vault rw - btrfs /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "unknown");
	put_link("../../../../devices/sdb/sdb1", "/sys/fs/btrfs/u-u/devices/sdb1");
	expect(&ask, "");
	put_link("../../../../devices/sda/sda1", "/sys/fs/btrfs/u-u/devices/sda1");
	expect(&ask, "same_disk");
	end();
}

static void network_file_systems_are_compared_by_server_st_63(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 0:50 / /vault rw - nfs4 nas.example.org:/backup rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "");
	put_file("/proc/self/mountinfo",
		ROOT_SDA PG_SDC "2 1 0:50 / /vault rw - nfs4 localhost:/b rw\n");
	expect(&ask, "same_disk"); /* NFS to ourselves */
	put_file("/proc/self/mountinfo", ROOT_SDA PG_SDC "2 1 0:50 / /vault rw - cifs //db/b rw\n");
	ask.database_disk = "db";
	expect(&ask, "same_disk"); /* the database host */
	end();
}

static void memory_and_container_layers_are_refused_st_63(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 0:60 / /vault rw - tmpfs tmpfs rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "refused");
	put_file("/proc/self/mountinfo",
		ROOT_SDA PG_SDC "2 1 0:61 / /vault rw - overlay overlay rw\n");
	expect(&ask, "refused");
	end();
}

static void a_container_knows_its_engines_disk_by_the_bound_files_st_61(void **state)
{
	(void)state;
	tree("1 0 0:70 / / rw - overlay overlay rw\n" PG_SDC
	     "2 1 9:1 /volumes/v /vault rw - ext4 /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "unknown"); /* nothing tells where the system lies */
	ask.system_disks = "/pg";
	expect(&ask, "");
	ask.system_disks = "";
	put_file("/etc/hosts", "");
	put_file("/proc/self/mountinfo", "1 0 0:70 / / rw - overlay overlay rw\n" PG_SDC
					 "4 1 8:1 /c/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
					 "2 1 9:1 /volumes/v /vault rw - ext4 /dev/sdb1 rw\n");
	expect(&ask, "");
	put_file("/proc/self/mountinfo", "1 0 0:70 / / rw - overlay overlay rw\n" PG_SDC
					 "4 1 9:1 /c/hosts /etc/hosts rw - ext4 /dev/sdb1 rw\n"
					 "2 1 9:1 /volumes/v /vault rw - ext4 /dev/sdb1 rw\n");
	expect(&ask, "same_disk");
	end();
}

static void an_override_needs_a_reason_and_never_excuses_the_key_st_66(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC);
	struct placement_ask ask = ask_of();
	struct placement p;
	struct fault f;
	ask.accept_reason = "because";
	expect(&ask, "same_disk");
	ask.accept_reason = "a demonstration";
	assert_int_equal(placement_check(&ask, &p, &f), 0);
	assert_true(p.overridden);
	assert_int_equal(p.verdict, PLACEMENT_SAME_DISK);
	put_file("/vault/kek", "x");
	ask.kek_file = "/vault/kek";
	expect(&ask, "key_in_vault");
	ask.kek_file = "";
	folder("/pg/backup");
	ask.vault = "/pg/backup";
	expect(&ask, "refused"); /* below the database directory */
	end();
}

static void the_last_of_several_mounts_at_a_place_counts(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n"
			     "5 2 8:1 /x /vault rw - ext4 /dev/sda1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "same_disk");
	folder("/my vault");
	put_file("/proc/self/mountinfo",
		ROOT_SDA PG_SDC "2 1 9:1 / /my\\040vault rw - ext4 /dev/sdb1 rw\n");
	ask.vault = "/my vault";
	expect(&ask, "");
	end();
}

static void a_copy_beside_the_primary_vault_is_no_second_place_st_59(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	struct placement p;
	struct fault f;
	folder("/vault/copy");
	ask.vault = "/vault/copy";
	expect(&ask, "");
	ask.primary = "/vault";
	expect(&ask, "same_disk");
	assert_int_equal(placement_check(&ask, &p, &f), -1);
	assert_non_null(strstr(f.detail, "holds the primary vault"));
	end();
}

static void table_spaces_belong_to_the_database_st_62(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n");
	struct placement_ask ask = ask_of();
	expect(&ask, "");
	put_link("../../vault", "/pg/pg_tblspc/16384");
	expect(&ask, "same_disk");
	end();
}

static void people_choose_from_the_media_that_are_there_st_82(void **state)
{
	(void)state;
	tree(ROOT_SDA PG_SDC "2 1 9:1 / /vault rw - ext4 /dev/sdb1 rw\n"
			     "4 1 0:50 / /nas rw - nfs4 nas.example.org:/backup rw\n"
			     "5 1 9:1 / /readonly ro,relatime - ext4 /dev/sdb1 ro\n"
			     "6 1 0:60 / /run rw - tmpfs tmpfs rw\n"
			     "7 1 9:1 /f /etc/hosts rw - ext4 /dev/sdb1 rw\n");
	folder("/nas");
	folder("/readonly");
	put_file("/etc/hosts", "");
	put_file("/dev/sdb1", "");
	put_link("../../sdb1", "/dev/disk/by-label/BACKUP");
	put_file("/sys/devices/sdb/removable", "1\n");
	struct placement_candidate c[8];
	struct placement_ask ask = ask_of();
	/* the file that a container's engine binds lies on the engine's disk (ST-61) */
	assert_int_equal(placement_candidates(&ask, c, 8), 4);
	assert_string_equal(c[0].path, "/");
	assert_int_equal(c[0].placement.verdict, PLACEMENT_SAME_DISK);
	assert_string_equal(c[1].path, "/pg");
	assert_int_equal(c[1].placement.verdict, PLACEMENT_SAME_DISK);
	assert_string_equal(c[2].path, "/vault");
	assert_string_equal(c[2].label, "BACKUP");
	assert_string_equal(c[2].disks, "sdb");
	assert_true(c[2].removable && c[2].size > 0);
	assert_string_equal(c[3].path, "/nas");
	assert_int_equal(c[3].placement.verdict, PLACEMENT_SEPARATE);
	assert_false(c[3].removable);
	assert_int_equal(placement_candidates(&ask, c, 2), 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_of_its_own_is_accepted),
		cmocka_unit_test(the_system_disk_is_refused_st_65),
		cmocka_unit_test(the_database_disk_is_refused_st_62),
		cmocka_unit_test(a_database_nobody_can_see_must_be_declared_st_62),
		cmocka_unit_test(layers_are_climbed_down_to_disks_st_60),
		cmocka_unit_test(a_loop_file_lies_where_its_file_lies),
		cmocka_unit_test(btrfs_counts_all_its_devices),
		cmocka_unit_test(network_file_systems_are_compared_by_server_st_63),
		cmocka_unit_test(memory_and_container_layers_are_refused_st_63),
		cmocka_unit_test(a_container_knows_its_engines_disk_by_the_bound_files_st_61),
		cmocka_unit_test(an_override_needs_a_reason_and_never_excuses_the_key_st_66),
		cmocka_unit_test(the_last_of_several_mounts_at_a_place_counts),
		cmocka_unit_test(a_copy_beside_the_primary_vault_is_no_second_place_st_59),
		cmocka_unit_test(table_spaces_belong_to_the_database_st_62),
		cmocka_unit_test(people_choose_from_the_media_that_are_there_st_82),
	};
	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
