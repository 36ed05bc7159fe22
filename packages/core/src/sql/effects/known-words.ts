import { SESSION_FUNCTIONS } from "./session-functions.ts";

/** Words that stand before a `(` and call nothing, and the types that take modifiers. */
const SYNTAX = `
add all and any array as asymmetric between bigint bit both brin btree by case cast char character check
collation columns conflict cross cube dec decimal default distinct else end escape except exclude exists extract
filter float following for from full gin gist group grouping groups having hash identity ilike in include inner
insert intersect interval into is join json_table key lateral leading left like limit limits local materialized
national natural nchar nested not null numeric of offset on only operator options or order ordinality outer over overlaps
partition passing path placing preceding precision primary range recursive references repeatable reset returning
right rollup row rows second select set sets similar some spgist symmetric table tables tablesample then time timestamp timestamptz to
trailing unbounded union unique update using value values varchar varying view when where window with within xmltable zone
bernoulli system`;

/** Functions that are written with syntax of their own. */
const SPECIAL = `
coalesce greatest least nullif normalize overlay position substring treat trim json json_array json_arrayagg
json_exists json_object json_objectagg json_query json_scalar json_serialize json_value merge_action xmlagg xmlattributes
xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize current_time current_timestamp localtime
localtimestamp`;

/** What PostgreSQL's manual documents in its chapter on functions, and its types, which are called to cast. */
const BUILT_IN = `
abs acos acosd acosh age any_value area array_agg array_append array_cat array_dims array_fill array_length array_lower
array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
array_sort array_to_json array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh
avg bit_and bit_count bit_length bit_or bit_xor bool bool_and bool_or boolean bound_box box bpchar broadcast btrim bytea
cardinality casefold cbrt ceil ceiling center char_length character_length chr circle clock_timestamp col_description concat
concat_ws convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp crc32 crc32c cume_dist
current_catalog current_database current_query current_role current_schema current_schemas current_setting current_user
date date_add date_bin date_part date_subtract date_trunc daterange datemultirange decode degrees dense_rank diagonal
diameter div encode enum_first enum_last enum_range erf erfc every exp factorial family first_value float4 float8 floor
format format_type gamma gcd gen_random_uuid generate_series generate_subscripts get_bit get_byte get_current_ts_config
has_any_column_privilege has_column_privilege has_database_privilege has_function_privilege has_language_privilege
has_largeobject_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege has_server_privilege
has_table_privilege has_tablespace_privilege has_type_privilege height host hostmask icu_unicode_version inet
inet_client_addr inet_client_port inet_merge inet_same_family inet_server_addr inet_server_port initcap int int2 int4
int4multirange int4range int8 int8multirange int8range integer isclosed isempty isfinite ishorizontal isopen isparallel
isperp isvertical json_agg json_agg_strict json_array_elements json_array_elements_text json_array_length json_build_array
json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object_agg json_object_agg_strict
json_object_agg_unique json_object_agg_unique_strict json_object_keys json_populate_record json_populate_recordset
json_strip_nulls json_to_record json_to_recordset json_typeof jsonb jsonb_agg jsonb_agg_strict jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict
jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz
jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first
jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset
jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days
justify_hours justify_interval lag last_value lcm lead length lgamma line ln log log10 lower lower_inc lower_inf lpad lseg
ltrim macaddr macaddr8 macaddr8_set7bit make_date make_interval make_time make_timestamp make_timestamptz makeaclitem
aclexplode acldefault max md5 min min_scale mod mode money multirange mxid_age name netmask network npoints nth_value ntile
num_nonnulls num_nulls numnode numrange nummultirange nummultirange obj_description octet_length parse_ident path_close pclose
percent_rank percentile_cont percentile_disc phraseto_tsquery pi plainto_tsquery point polygon popen pow power
querytree quote_ident quote_literal quote_nullable radians radius random random_normal range_agg range_intersect_agg
range_merge rank regclass regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
regexp_split_to_array regexp_split_to_table regexp_substr regproc regtype regr_avgx regr_avgy regr_count regr_intercept
regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse round row_number row_security_active row_to_json rpad
rtrim scale session_user set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512 shobj_description sign sin sind
sinh slope smallint split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array
string_to_table strip strpos substr sum suppress_redundant_updates_trigger tan tand tanh text timeofday timetz to_ascii
to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass to_regcollation to_regnamespace to_regoper
to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod to_timestamp to_tsquery to_tsvector
transaction_timestamp now translate trim_array trim_scale trunc ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse
ts_rank ts_rank_cd ts_token_type tsquery_phrase tsrange tsmultirange tstzrange tstzmultirange tsvector_to_array txid_current
txid_current_if_assigned txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status
txid_visible_in_snapshot unicode_assigned unicode_version unistr unnest upper upper_inc upper_inf user uuid
uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 var_pop var_samp variance version websearch_to_tsquery width
width_bucket xid8 xml xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmltext xpath
xpath_exists lo_close lo_creat lo_create lo_export lo_from_bytea lo_get lo_import lo_lseek lo_open lo_put lo_tell
lo_truncate lo_unlink loread lowrite`;

/** Of the extensions that services use most; what they do ends with their statement. */
const OF_EXTENSIONS = `
uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil uuid_ns_dns uuid_ns_oid
uuid_ns_url uuid_ns_x500 armor crypt dearmor decrypt decrypt_iv digest encrypt encrypt_iv gen_random_bytes gen_salt hmac
similarity strict_word_similarity word_similarity show_trgm unaccent hstore hstore_to_json hstore_to_jsonb akeys avals
levenshtein soundex metaphone dmetaphone citext vector halfvec cosine_distance l2_distance inner_product l1_distance
time_bucket`;

/** Functions of `pg_catalog` that run a text they are given, or leave something in the session. */
const OPAQUE_BUILT_IN = `
query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite
pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_export_snapshot pg_create_logical_replication_slot
pg_create_physical_replication_slot pg_copy_logical_replication_slot pg_copy_physical_replication_slot
pg_replication_origin_session_setup pg_replication_origin_session_reset pg_replication_origin_xact_setup
pg_replication_origin_xact_reset pg_logical_slot_get_changes pg_logical_slot_peek_changes pg_logical_slot_get_binary_changes
pg_logical_slot_peek_binary_changes binary_upgrade_set_record_init_privs`;

let known: ReadonlySet<string> | undefined;
let opaque: ReadonlySet<string> | undefined;

/**
 * Whether a word before a `(`, in lower case and unqualified, does nothing to the session that would
 * outlast its statement: syntax, a type, or one of about 700 functions that are known for it. Of what is
 * called `pg_…` and `st_…` (PostGIS) the exceptions are known instead. A function of the user's with
 * the name of a built-in one is not told from it.
 */
export function isHarmlessWord(word: string): boolean {
  known ??= wordsOf(SYNTAX, SPECIAL, BUILT_IN, OF_EXTENSIONS);
  if (known.has(word)) return true;
  return /^(?:pg|st)_/.test(word) && !SESSION_FUNCTIONS.has(word) && !isOpaqueBuiltIn(word);
}

/** Whether a function of `pg_catalog` does what cannot be read from its call. */
export function isOpaqueBuiltIn(name: string): boolean {
  opaque ??= wordsOf(OPAQUE_BUILT_IN);
  return opaque.has(name);
}

function wordsOf(...lists: readonly string[]): ReadonlySet<string> {
  return new Set(lists.join(" ").trim().split(/\s+/));
}
