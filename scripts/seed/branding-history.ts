import { jsonbText } from './jsonb-text.ts'
import { activators, writers } from './roles.ts'
import { type TenantHistory, timeText } from './tenant-history.ts'

interface Draft {
  readonly id: string
  readonly number: number
  readonly author: string
  readonly createdAt: number
  tokens: string
  lockVersion: number
  updatedAt: number
}

/** The brandings of a tenant: drafts that are edited and published, each superseding the one before. */
export class BrandingHistory {
  readonly #history: TenantHistory
  #draft: Draft | undefined
  #published: (Draft & { readonly publisher: string; readonly publishedAt: number }) | undefined
  #number = 0

  constructor(history: TenantHistory) {
    this.#history = history
  }

  /** A draft is begun, edited or published. At most two rows. */
  step(): void {
    const history = this.#history
    const now = history.tick()
    const editor = history.member(writers) ?? ''
    if (!this.#draft) {
      this.#draft = {
        id: history.random.uuid(now),
        number: ++this.#number,
        author: editor,
        createdAt: now,
        tokens: this.#tokens(),
        lockVersion: 1,
        updatedAt: now,
      }
      history.reserve()
      return this.#record(this.#draft, 'branding.draft', editor, 'DRAFT')
    }
    if (history.random.chance(0.5)) {
      this.#draft.tokens = this.#tokens()
      this.#draft.lockVersion += 1
      this.#draft.updatedAt = now
      return this.#record(this.#draft, 'branding.edit', editor, 'DRAFT')
    }
    const publisher = history.member(activators) ?? ''
    if (this.#published) this.#write(this.#published, 'SUPERSEDED', now)
    this.#published = { ...this.#draft, publisher, publishedAt: now }
    this.#record(this.#draft, 'branding.publish', publisher, 'PUBLISHED')
    this.#draft = undefined
  }

  /** Writes what could change until now. */
  finish(): void {
    if (this.#published) this.#write(this.#published, 'PUBLISHED', this.#published.publishedAt)
    if (this.#draft) this.#write(this.#draft, 'DRAFT', this.#draft.updatedAt)
  }

  #record(draft: Draft, action: string, actor: string, stage: string): void {
    this.#history.record({
      action,
      actor,
      target: { type: 'branding', id: draft.id },
      metadata: { stage, number: draft.number },
    })
  }

  #write(
    branding: Draft & { readonly publisher?: string; readonly publishedAt?: number },
    status: string,
    updatedAt: number,
  ): void {
    this.#history.write('governance.branding', {
      id: branding.id,
      tenant_id: this.#history.tenantId,
      number: branding.number,
      status,
      tokens: branding.tokens,
      lock_version: branding.lockVersion,
      author_id: branding.author,
      publisher_id: branding.publisher ?? null,
      published_at: branding.publishedAt === undefined ? null : timeText(branding.publishedAt),
      reason: null,
      created_at: timeText(branding.createdAt),
      updated_at: timeText(updatedAt),
    })
  }

  #tokens(): string {
    const { random } = this.#history
    const hue = random.below(360)
    return jsonbText({
      colors: {
        primary: { $value: `hsl(${hue} 60% 30%)` },
        onPrimary: { $value: '#ffffff' },
        text: { $value: '#1a1a1a' },
        background: { $value: '#ffffff' },
        link: { $value: '{colors.primary}' },
      },
      typography: {
        body: {
          $value: {
            fontFamily: [random.of(['Inter', 'Noto Sans', 'Source Sans 3']), 'sans-serif'],
            fontSize: '1rem',
          },
        },
      },
      radius: { card: { $value: `${2 * random.below(8)}px` } },
      domains: [`brand-${random.bits().toString(36)}.example`],
    })
  }
}
