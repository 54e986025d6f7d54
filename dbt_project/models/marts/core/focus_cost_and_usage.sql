-- The bill as FOCUS 1.2 says it, the version that the official validator holds the rules of. FOCUS has no token columns
-- yet: those of the draft of 1.5 are x_ columns. Bills tell a day's money per model, not per kind of token, so a row
-- keeps all kinds and has no unit price.

with

billed as (select * from {{ ref('fct_billed_daily') }}),

developers as (select * from {{ ref('int_developers_dated') }}),

names as (

    select names.*
    from (
        values
        ('anthropic', 'Anthropic', 'Claude API'),
        ('aws', 'AWS', 'Amazon Bedrock'),
        ('azure', 'Microsoft', 'Azure OpenAI'),
        ('cursor', 'Cursor', 'Cursor'),
        ('deepseek', 'DeepSeek', 'DeepSeek API'),
        ('github_copilot', 'GitHub', 'GitHub Copilot'),
        ('google', 'Google Cloud', 'Vertex AI'),
        ('openai', 'OpenAI', 'OpenAI API'),
        ('openrouter', 'OpenRouter', 'OpenRouter API')
    ) as names (provider, provider_name, service_name)

)

select
    coalesce(billed.billed_usd, 0) as "BilledCost",
    billed.provider as "BillingAccountId",
    cast(null as varchar) as "BillingAccountName",
    'USD' as "BillingCurrency",
    cast(date_trunc('month', billed.utc_date) + interval 1 month as timestamp) as "BillingPeriodEnd",
    cast(date_trunc('month', billed.utc_date) as timestamp) as "BillingPeriodStart",
    'Usage' as "ChargeCategory",
    cast(null as varchar) as "ChargeClass",
    coalesce(billed.model, 'what is about no model') || ' of ' || billed.utc_date as "ChargeDescription",
    'Usage-Based' as "ChargeFrequency",
    cast(billed.utc_date + interval 1 day as timestamp) as "ChargePeriodEnd",
    cast(billed.utc_date as timestamp) as "ChargePeriodStart",
    cast(null as varchar) as "CommitmentDiscountStatus",
    cast(billed.total_tokens as decimal(38, 6)) as "ConsumedQuantity",
    'Tokens' as "ConsumedUnit",
    coalesce(billed.billed_usd, 0) as "ContractedCost",
    coalesce(billed.billed_usd, 0) as "EffectiveCost",
    cast(null as varchar) as "InvoiceId",
    coalesce(names.provider_name, billed.provider) as "InvoiceIssuerName",
    coalesce(billed.list_usd, billed.billed_usd, 0) as "ListCost",
    'Standard' as "PricingCategory",
    cast(billed.total_tokens / 1000000 as decimal(38, 6)) as "PricingQuantity",
    '1000000 Tokens' as "PricingUnit",
    coalesce(names.provider_name, billed.provider) as "ProviderName",
    coalesce(names.provider_name, billed.provider) as "PublisherName",
    'AI and Machine Learning' as "ServiceCategory",
    coalesce(names.service_name, billed.provider) as "ServiceName",
    'Generative AI' as "ServiceSubcategory",
    billed.provider || '/' || coalesce(billed.model, 'other') as "SkuId",
    billed.account_id as "SubAccountId",
    billed.account_id as "SubAccountName",
    case
        when billed.developer_id is not null
            then cast(
                json_object(
                    'developer_id', billed.developer_id, 'team_id', coalesce(developers.team_id, 'unattributed')
                ) as varchar
            )
    end as "Tags",
    billed.provider_api_key_id as "x_CredentialId",
    billed.cache_read_tokens as "x_InputReadTokens",
    billed.input_tokens - billed.cache_read_tokens - billed.cache_write_tokens as "x_InputUncachedTokens",
    billed.cache_write_tokens as "x_InputWriteTokens",
    billed.known_at as "x_KnownAt",
    billed.model as "x_ModelId",
    billed.output_tokens as "x_OutputTokens",
    billed.developer_id as "x_PrincipalId"
from billed
left join names on billed.provider = names.provider
left join developers
    on billed.developer_id = developers.developer_id
    and billed.utc_date between developers.valid_from and developers.valid_to
