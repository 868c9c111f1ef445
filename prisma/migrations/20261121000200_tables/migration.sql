-- Every table of the bundled schema, as `prisma migrate diff` writes them; the audit events alone are partitioned.
set local role doublehull_owner;

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "audit";

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "governance";

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "tenancy";

-- CreateEnum
CREATE TYPE "audit"."audit_outcome" AS ENUM ('SUCCESS', 'DENIED', 'FAILURE');

-- CreateEnum
CREATE TYPE "audit"."audit_origin" AS ENUM ('APPLICATION', 'DATABASE');

-- CreateEnum
CREATE TYPE "governance"."version_status" AS ENUM ('DRAFT', 'REVIEW', 'APPROVED', 'ACTIVE', 'DEPRECATED');

-- CreateEnum
CREATE TYPE "governance"."approval_status" AS ENUM ('PENDING', 'APPROVED', 'REJECTED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "governance"."decision_kind" AS ENUM ('APPROVE', 'REJECT');

-- CreateEnum
CREATE TYPE "governance"."activation_kind" AS ENUM ('ACTIVATE', 'ROLLBACK', 'DEPRECATE', 'BREAK_GLASS');

-- CreateEnum
CREATE TYPE "governance"."flag_type" AS ENUM ('BOOLEAN', 'STRING', 'NUMBER', 'OBJECT');

-- CreateEnum
CREATE TYPE "governance"."kill_switch_scope" AS ENUM ('GLOBAL', 'TENANT', 'RESOURCE');

-- CreateEnum
CREATE TYPE "governance"."branding_status" AS ENUM ('DRAFT', 'PUBLISHED', 'SUPERSEDED');

-- CreateEnum
CREATE TYPE "governance"."trace_outcome" AS ENUM ('RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED');

-- CreateEnum
CREATE TYPE "tenancy"."tenant_status" AS ENUM ('ACTIVE', 'SUSPENDED');

-- CreateEnum
CREATE TYPE "tenancy"."member_role" AS ENUM ('OWNER', 'ADMIN', 'EDITOR', 'REVIEWER', 'VIEWER');

-- CreateTable
CREATE TABLE "audit"."audit_event" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "seq" BIGINT NOT NULL DEFAULT 0,
    "prev_hash" TEXT NOT NULL DEFAULT '',
    "hash" TEXT NOT NULL DEFAULT '',
    "origin" "audit"."audit_origin" NOT NULL DEFAULT 'APPLICATION',
    "action" TEXT NOT NULL,
    "actor_id" UUID,
    "outcome" "audit"."audit_outcome" NOT NULL DEFAULT 'SUCCESS',
    "targets" JSONB NOT NULL DEFAULT '[]',
    "context" JSONB NOT NULL DEFAULT '{}',
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "schema_version" INTEGER NOT NULL DEFAULT 1,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("tenant_id","seq","occurred_at")
) PARTITION BY RANGE ("occurred_at");

-- CreateTable
CREATE TABLE "audit"."audit_event_default" PARTITION OF "audit"."audit_event" DEFAULT;

-- CreateTable
CREATE TABLE "audit"."audit_head" (
    "tenant_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_head_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "audit"."audit_checkpoint" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "seq" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "audit_checkpoint_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."config_package" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "content_schema" JSONB,
    "quorum" INTEGER NOT NULL DEFAULT 1,
    "separate_activator" BOOLEAN NOT NULL DEFAULT false,
    "last_version_number" INTEGER NOT NULL DEFAULT 0,
    "archived_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "config_package_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."config_version" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "package_id" UUID NOT NULL,
    "number" INTEGER NOT NULL DEFAULT 0,
    "status" "governance"."version_status" NOT NULL DEFAULT 'DRAFT',
    "content" JSONB NOT NULL,
    "content_hash" TEXT NOT NULL DEFAULT '',
    "lock_version" INTEGER NOT NULL DEFAULT 1,
    "author_id" UUID,
    "submitter_id" UUID,
    "editor_ids" UUID[] DEFAULT ARRAY[]::UUID[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "config_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."approval" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "version_id" UUID NOT NULL,
    "status" "governance"."approval_status" NOT NULL DEFAULT 'PENDING',
    "content_hash" TEXT NOT NULL DEFAULT '',
    "quorum" INTEGER NOT NULL DEFAULT 1,
    "requester_id" UUID,
    "closed_by_id" UUID,
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decided_at" TIMESTAMPTZ(6),

    CONSTRAINT "approval_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."approval_decision" (
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "approval_id" UUID NOT NULL,
    "reviewer_id" UUID NOT NULL,
    "decision" "governance"."decision_kind" NOT NULL,
    "comment" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "approval_decision_pkey" PRIMARY KEY ("tenant_id","approval_id","reviewer_id")
);

-- CreateTable
CREATE TABLE "governance"."activation" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "package_id" UUID NOT NULL,
    "version_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "previous_version_id" UUID,
    "kind" "governance"."activation_kind" NOT NULL DEFAULT 'ACTIVATE',
    "reason" TEXT,
    "actor_id" UUID,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "activation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."feature_flag" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "key" TEXT NOT NULL,
    "description" TEXT,
    "type" "governance"."flag_type" NOT NULL DEFAULT 'BOOLEAN',
    "enabled" BOOLEAN NOT NULL DEFAULT false,
    "variants" JSONB NOT NULL DEFAULT '{"on":true,"off":false}',
    "default_variant" TEXT NOT NULL DEFAULT 'on',
    "off_variant" TEXT NOT NULL DEFAULT 'off',
    "prerequisites" JSONB NOT NULL DEFAULT '[]',
    "targeting" JSONB,
    "lock_version" INTEGER NOT NULL DEFAULT 1,
    "archived_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "feature_flag_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."kill_switch" (
    "id" UUID NOT NULL,
    "tenant_id" UUID DEFAULT tenancy.require_tenant_id(),
    "scope" "governance"."kill_switch_scope" NOT NULL DEFAULT 'TENANT',
    "resource" TEXT NOT NULL DEFAULT '',
    "engaged" BOOLEAN NOT NULL DEFAULT false,
    "reason" TEXT,
    "actor_id" UUID,
    "engaged_at" TIMESTAMPTZ(6),
    "expires_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "kill_switch_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."kill_switch_gate" (
    "tenant_id" UUID NOT NULL,

    CONSTRAINT "kill_switch_gate_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "governance"."branding" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "number" INTEGER NOT NULL DEFAULT 1,
    "status" "governance"."branding_status" NOT NULL DEFAULT 'DRAFT',
    "tokens" JSONB NOT NULL DEFAULT '{}',
    "lock_version" INTEGER NOT NULL DEFAULT 1,
    "author_id" UUID,
    "publisher_id" UUID,
    "published_at" TIMESTAMPTZ(6),
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "branding_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."execution_trace" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "version_id" UUID NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "outcome" "governance"."trace_outcome" NOT NULL DEFAULT 'RUNNING',
    "request_id" TEXT,
    "input" JSONB,
    "output" JSONB,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),
    "duration" BIGINT,

    CONSTRAINT "execution_trace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "governance"."trace_step" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "trace_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "outcome" "governance"."trace_outcome" NOT NULL DEFAULT 'RUNNING',
    "payload" JSONB,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),
    "duration" BIGINT,

    CONSTRAINT "trace_step_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenancy"."tenant" (
    "id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "name" TEXT NOT NULL,
    "status" "tenancy"."tenant_status" NOT NULL DEFAULT 'ACTIVE',
    "topic" UUID NOT NULL DEFAULT gen_random_uuid(),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenancy"."user" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenancy"."membership" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL DEFAULT tenancy.require_tenant_id(),
    "user_id" UUID NOT NULL,
    "role" "tenancy"."member_role" NOT NULL DEFAULT 'VIEWER',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "membership_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "audit_event_tenant_id_occurred_at_idx" ON "audit"."audit_event"("tenant_id", "occurred_at");

-- CreateIndex
CREATE INDEX "audit_checkpoint_tenant_id_seq_idx" ON "audit"."audit_checkpoint"("tenant_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "audit_checkpoint_tenant_id_id_key" ON "audit"."audit_checkpoint"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "config_package_tenant_id_id_key" ON "governance"."config_package"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "config_package_tenant_id_key_key" ON "governance"."config_package"("tenant_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "config_version_tenant_id_id_key" ON "governance"."config_version"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "config_version_tenant_id_package_id_number_key" ON "governance"."config_version"("tenant_id", "package_id", "number");

-- CreateIndex
CREATE INDEX "approval_tenant_id_version_id_idx" ON "governance"."approval"("tenant_id", "version_id");

-- CreateIndex
CREATE UNIQUE INDEX "approval_tenant_id_id_key" ON "governance"."approval"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "activation_tenant_id_package_id_created_at_idx" ON "governance"."activation"("tenant_id", "package_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "activation_tenant_id_id_key" ON "governance"."activation"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "activation_tenant_id_package_id_seq_key" ON "governance"."activation"("tenant_id", "package_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "feature_flag_tenant_id_id_key" ON "governance"."feature_flag"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "feature_flag_tenant_id_key_key" ON "governance"."feature_flag"("tenant_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "kill_switch_tenant_id_id_key" ON "governance"."kill_switch"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "kill_switch_tenant_id_scope_resource_key" ON "governance"."kill_switch"("tenant_id", "scope", "resource");

-- CreateIndex
CREATE UNIQUE INDEX "branding_tenant_id_id_key" ON "governance"."branding"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "branding_tenant_id_number_key" ON "governance"."branding"("tenant_id", "number");

-- CreateIndex
CREATE INDEX "execution_trace_tenant_id_version_id_started_at_idx" ON "governance"."execution_trace"("tenant_id", "version_id", "started_at");

-- CreateIndex
CREATE INDEX "execution_trace_tenant_id_outcome_started_at_idx" ON "governance"."execution_trace"("tenant_id", "outcome", "started_at");

-- CreateIndex
CREATE INDEX "execution_trace_tenant_id_duration_idx" ON "governance"."execution_trace"("tenant_id", "duration");

-- CreateIndex
CREATE INDEX "execution_trace_tenant_id_started_at_idx" ON "governance"."execution_trace"("tenant_id", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "execution_trace_tenant_id_id_key" ON "governance"."execution_trace"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "trace_step_tenant_id_id_key" ON "governance"."trace_step"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "trace_step_tenant_id_trace_id_seq_key" ON "governance"."trace_step"("tenant_id", "trace_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "user_email_key" ON "tenancy"."user"("email");

-- CreateIndex
CREATE INDEX "membership_user_id_idx" ON "tenancy"."membership"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "membership_tenant_id_id_key" ON "tenancy"."membership"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "membership_tenant_id_user_id_key" ON "tenancy"."membership"("tenant_id", "user_id");

-- AddForeignKey
ALTER TABLE "audit"."audit_event" ADD CONSTRAINT "audit_event_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "audit"."audit_checkpoint" ADD CONSTRAINT "audit_checkpoint_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."config_package" ADD CONSTRAINT "config_package_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."config_version" ADD CONSTRAINT "config_version_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."config_version" ADD CONSTRAINT "config_version_tenant_id_package_id_fkey" FOREIGN KEY ("tenant_id", "package_id") REFERENCES "governance"."config_package"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."approval" ADD CONSTRAINT "approval_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."approval" ADD CONSTRAINT "approval_tenant_id_version_id_fkey" FOREIGN KEY ("tenant_id", "version_id") REFERENCES "governance"."config_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."approval_decision" ADD CONSTRAINT "approval_decision_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."approval_decision" ADD CONSTRAINT "approval_decision_tenant_id_approval_id_fkey" FOREIGN KEY ("tenant_id", "approval_id") REFERENCES "governance"."approval"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."activation" ADD CONSTRAINT "activation_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."activation" ADD CONSTRAINT "activation_tenant_id_package_id_fkey" FOREIGN KEY ("tenant_id", "package_id") REFERENCES "governance"."config_package"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."activation" ADD CONSTRAINT "activation_tenant_id_version_id_fkey" FOREIGN KEY ("tenant_id", "version_id") REFERENCES "governance"."config_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."activation" ADD CONSTRAINT "activation_tenant_id_previous_version_id_fkey" FOREIGN KEY ("tenant_id", "previous_version_id") REFERENCES "governance"."config_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."feature_flag" ADD CONSTRAINT "feature_flag_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."kill_switch" ADD CONSTRAINT "kill_switch_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."branding" ADD CONSTRAINT "branding_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."execution_trace" ADD CONSTRAINT "execution_trace_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."execution_trace" ADD CONSTRAINT "execution_trace_tenant_id_version_id_fkey" FOREIGN KEY ("tenant_id", "version_id") REFERENCES "governance"."config_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."trace_step" ADD CONSTRAINT "trace_step_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "governance"."trace_step" ADD CONSTRAINT "trace_step_tenant_id_trace_id_fkey" FOREIGN KEY ("tenant_id", "trace_id") REFERENCES "governance"."execution_trace"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "tenancy"."membership" ADD CONSTRAINT "membership_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenancy"."tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "tenancy"."membership" ADD CONSTRAINT "membership_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "tenancy"."user"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

